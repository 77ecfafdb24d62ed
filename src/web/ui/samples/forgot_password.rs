//! The sample of the page for a forgotten password, which has one state.

use super::ForgotPasswordPage;
use crate::web::{Samples, Varies};

impl Samples for ForgotPasswordPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        vec![Self {}]
    }
}
