//! Messages: one SMS, MMS or WhatsApp message from composing to its final status.
