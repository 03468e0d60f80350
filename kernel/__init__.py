"""What everything stands on; knows no domain."""
