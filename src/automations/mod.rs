//! Automations: a trigger, steps, and the enrollments that pass through them.
