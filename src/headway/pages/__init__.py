"""What a page is made of, without a transport: pages ask operations, as every caller does, and give plain values."""
