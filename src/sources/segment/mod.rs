//! Segment's protocol: the calls identify, track, page, screen, group and alias, singly or in
//! batches, parsed into [`Item`](super::Item)s.
