//! The sample of the style guide.

use super::StyleGuidePage;
use crate::web::http::assets;
use crate::web::{Samples, Varies};

impl Samples for StyleGuidePage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        vec![Self { icons: assets::icon_names() }]
    }
}
