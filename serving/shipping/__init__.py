"""From a release's bundle to what CloudFormation deploys: verify it, then package it."""
