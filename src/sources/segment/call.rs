//! The calls of Segment's protocol.

use crate::types::text_enum::text_enum;

text_enum! {
    /// What a message of Segment's protocol says.
    pub enum SegmentCall {
        /// Who a person is, and what is known about them.
        Identify = "identify",
        /// What a person did.
        Track = "track",
        /// Which page a person saw.
        Page = "page",
        /// Which screen of an app a person saw.
        Screen = "screen",
        /// Which company or team a person belongs to.
        Group = "group",
        /// Which earlier id belongs to the same person.
        Alias = "alias",
    }
}
