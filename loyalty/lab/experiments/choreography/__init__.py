"""The coffee shop as a choreography of four services.

Each service is an actor that reacts to signals from other services. Notebook 12 compares the choreography with
`loyalty.coffee.workflow`. Both programs use the same activities, the same database and the same mishaps.
"""
