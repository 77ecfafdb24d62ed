//! Names that are not taken yet.

/// The first of `wanted`, `wanted 2`, `wanted 3` … that is not among the taken names, regardless of
/// case.
#[must_use]
pub fn free_name(wanted: &str, taken: &[String]) -> String {
    let taken: Vec<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let numbered = |number: usize| {
        if number == 1 { wanted.to_owned() } else { format!("{wanted} {number}") }
    };
    let free =
        (1..=taken.len() + 1).map(numbered).find(|name| !taken.contains(&name.to_lowercase()));
    free.unwrap_or_else(|| wanted.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_the_next_free_number() {
        let free = |taken: &[&str]| {
            let taken: Vec<String> = taken.iter().map(|name| (*name).to_owned()).collect();
            free_name("Welcome", &taken)
        };
        assert_eq!(free(&[]), "Welcome");
        assert_eq!(free(&["Welcome back"]), "Welcome");
        assert_eq!(free(&["WELCOME", "welcome 2", "Welcome 4"]), "Welcome 3");
    }
}
