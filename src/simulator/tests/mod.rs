//! Stories of the simulator, told over HTTP.
