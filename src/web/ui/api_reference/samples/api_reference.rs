//! The sample of the API reference, which does not depend on data.

use super::ApiReferencePage;
use crate::types::public_url::PublicUrl;
use crate::web::{Samples, Varies};

impl Samples for ApiReferencePage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let public_url = PublicUrl::parse("https://sms.example.com");
        public_url.iter().map(Self::new).collect()
    }
}
