//! Form bodies and query strings: ordered pairs, including repeated and blank ones.

/// The parameters of a request, in the order of the request.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses `a=b&c=d`; invalid UTF-8 becomes the replacement character.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of a key, even if it is blank.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// The first value of a key, unless it is blank.
    pub(super) fn filled(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.trim().is_empty())
    }

    /// All values of a key.
    pub(super) fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The parameters except those with the given names, encoded as a query string.
    pub(super) fn encode_without(
        &self,
        names: &[&str],
    ) -> url::form_urlencoded::Serializer<'static, String> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.0.iter().filter(|(key, _)| !names.contains(&key.as_str())) {
            query.append_pair(key, value);
        }
        query
    }
}
