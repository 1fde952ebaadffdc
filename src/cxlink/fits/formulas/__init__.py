"""What a formula says of the customers: its terms, their columns, the cells and whom estimates are averaged over."""
