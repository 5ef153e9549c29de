"""What is remembered: tables and the back ends that hold them."""
