//! The windows (floor 5): one folder a window.
