"""What tests share: people, keyrings, terminals, browsers, real git. No tests."""
