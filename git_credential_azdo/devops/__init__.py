"""Azure DevOps over REST: who am I, which organizations, personal access tokens, and what its refusals mean."""
