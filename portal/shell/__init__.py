"""The frame around all packages: home, navigation, operations, help, health, refusals."""
