//! Tests of the simulator over HTTP, with a real client and a real webhook receiver. The fixture is
//! a [`Story`](story::Story). Start reading in `callbacks.rs`.

mod api;
mod callbacks;
mod control_api;
mod opt_out;
mod phone_pages;
mod response_faults;
mod story;
