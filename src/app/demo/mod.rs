//! The demo: everything in one process, with a simulated Twilio and sample data, without account or
//! internet. [`history`] generates a month of messages, [`sample_data`] has the contacts, templates
//! and automations. Start reading at [`serve_demo()`].

mod each_start;
mod history;
mod sample_data;
mod serve_demo;

pub use serve_demo::serve_demo;
