"""What ``deployster init`` writes. @SERVICE@ and @TEMPLATE@ are filled in."""
