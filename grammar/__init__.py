"""Text and values: the small languages of the Flux RFCs."""
