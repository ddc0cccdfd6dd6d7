//! Serial ports, TCP, and the tap behind the trace (floor 2).
