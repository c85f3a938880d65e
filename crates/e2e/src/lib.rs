//! Nothing but tests of whole hubs, in `tests/it`: all four services together, through gRPC alone.
