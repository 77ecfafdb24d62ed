//! Samples of the list of API keys: empty, and with active and revoked ones.

use super::{ApiKeysPage, KeyOrder};
use crate::types::id::ApiKeyId;
use crate::users::Role;
use crate::users::api_keys::ApiKey;
use crate::web::{Samples, Varies};

impl Samples for ApiKeysPage {
    const VARIES: Varies =
        Varies { texts: &["keys.name", "revoked.name"], lists: &["keys", "revoked"] };

    fn samples() -> Vec<Self> {
        let key = |name: &str, used, revoked_at| ApiKey {
            id: ApiKeyId::new(),
            name: name.to_owned(),
            role: Role::Marketer,
            prefix: "ck_AbCdEf".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            last_used_at: used,
            revoked_at,
        };
        let then = Some(chrono::DateTime::UNIX_EPOCH);
        vec![
            Self { keys: Vec::new(), revoked: Vec::new(), sort: KeyOrder::Created },
            Self {
                keys: vec![key("Shop <1>", then, None), key("Till", None, None)],
                revoked: vec![key("Old", None, then)],
                sort: KeyOrder::Name,
            },
        ]
    }
}
