"""From a release's bundle to what CloudFormation deploys: verified, then packaged."""
