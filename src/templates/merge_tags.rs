//! Detects merge tags of other tools (`*|FNAME|*`, `%first_name%`, `{contactfield=…}`, …), which
//! mean nothing here and would be sent literally.

use super::allowed_syntax::{Printing, check};
use super::lexer::{Piece, pieces};
use super::merge_tag_replacements::replacement;

/// Maximum number of warnings.
const MAX_FOUND: usize = 5;
/// Maximum length of a merge tag, in characters.
const MAX_TAG: usize = 80;

/// What the delimiters must enclose to form a tag instead of ordinary text.
#[derive(Clone, Copy)]
enum Inside {
    /// Anything on one line.
    Anything,
    /// A name: letters, digits, `_`, `-` and `.`, at least three letters, beginning with a letter.
    /// Excludes `%C3` of an encoded URL.
    Name,
    /// A name, a parameter (`contactfield=firstname`), alternatives (`Hi|Hello`), or a field name
    /// of several words.
    Parameter,
    /// A common field name such as `First Name`, or any with a `,fallback=`; other text between
    /// these delimiters is intended.
    Field,
}

/// Delimiters of tags, longer ones before their prefixes.
const DELIMITERS: [(&str, &str, Inside); 28] = [
    ("*|", "|*", Inside::Anything),
    ("<%", "%>", Inside::Anything),
    ("%%", "%%", Inside::Anything),
    ("[[", "]]", Inside::Parameter),
    ("[%", "%]", Inside::Parameter),
    ("{*", "*}", Inside::Field),
    ("{!", "}", Inside::Parameter),
    ("{$", "}", Inside::Parameter),
    ("${", "}", Inside::Parameter),
    ("#{", "}", Inside::Parameter),
    ("%{", "}", Inside::Parameter),
    ("@{", "}", Inside::Parameter),
    ("$(", ")", Inside::Field),
    ("@(", ")", Inside::Parameter),
    ("{", "}", Inside::Parameter),
    ("##", "##", Inside::Name),
    ("@@", "@@", Inside::Name),
    ("::", "::", Inside::Name),
    ("%", "%", Inside::Name),
    ("<<", ">>", Inside::Parameter),
    ("«", "»", Inside::Field),
    ("<", ">", Inside::Field),
    ("[", "]", Inside::Field),
    ("__", "__", Inside::Field),
    ("#", "#", Inside::Field),
    ("$", "$", Inside::Field),
    ("~", "~", Inside::Field),
    ("|", "|", Inside::Field),
];

/// Common field names of other tools, in lower case without separators.
const FIELDS: &str = "firstname fname lastname lname fullname givenname familyname surname \
    nickname name yourname username customername \
    clientname contactname recipientname leadname membername guestname patientname email \
    emailaddress phone phonenumber \
    mobile mobilenumber mobilephone company companyname businessname shopname storename brandname \
    organization city \
    address zip zipcode birthday ordernumber orderid orderno ordertotal trackingnumber \
    trackinglink trackingurl couponcode \
    discountcode promocode shortlink shorturl appointmentdate appointmenttime unsubscribe \
    unsubscribelink optout";

/// Warns about each merge tag of another tool in the text of a template.
pub(super) fn warnings(template: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in pieces(template).unwrap_or_default() {
        if let Piece::Text(text) = piece {
            for tag in tags(&text) {
                if found.len() < MAX_FOUND && !found.contains(&tag) {
                    found.push(tag);
                }
            }
        }
    }
    found.iter().map(|tag| warning(tag)).collect()
}

/// Warns about each merge tag in a text that is sent literally, including those of Carillon's own
/// templates.
#[must_use]
pub fn warnings_of_literal(text: &str) -> Vec<String> {
    let mut found = warnings(text);
    if text.contains("{{") || text.contains("{%") {
        found.push(
            "Carillon sends this body as it is. It fills in variables only with a template_id."
                .to_owned(),
        );
    }
    found
}

/// The merge tags of a text in order.
fn tags(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        match tag_at(rest, before).or_else(|| path_at(rest, before)) {
            Some(tag) => {
                found.push(tag.to_owned());
                rest = &rest[tag.len()..];
                before = tag.chars().last();
            }
            None => {
                rest = &rest[first.len_utf8()..];
                before = Some(first);
            }
        }
    }
    found
}

/// The delimited tag that the text begins with.
fn tag_at(text: &str, before: Option<char>) -> Option<&str> {
    DELIMITERS.iter().find_map(|(open, close, inside)| {
        let rest = text.strip_prefix(open)?;
        let length = rest.find(close).filter(|length| *length > 0 && *length <= MAX_TAG)?;
        let content = &rest[..length];
        let after = rest[length + close.len()..].chars().next();
        let stands_alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let fits = match inside {
            Inside::Anything => content.chars().any(char::is_alphabetic) && !content.contains('\n'),
            // `50%off%sale`: with the same opening and closing delimiter, no word may adjoin.
            Inside::Name => is_name(content) && stands_alone(before) && stands_alone(after),
            Inside::Parameter => is_parameter(content),
            Inside::Field => {
                (is_field(content) || content.contains(",fallback="))
                    && (open != close || (stands_alone(before) && stands_alone(after)))
            }
        };
        fits.then(|| &text[..open.len() + length + close.len()])
    })
}

/// The tag without delimiters that the text begins with: `@contact.first_name` of RapidPro and
/// TextIt, `$first_name` of scripts, `$.properties.order_id` of Segment.
fn path_at(text: &str, before: Option<char>) -> Option<&str> {
    let mark = text.chars().next().filter(|c| matches!(c, '@' | '$'))?;
    let rest = &text[mark.len_utf8()..];
    let roots = [".properties.", ".traits.", ".context.traits."];
    let is_json_path = mark == '$' && roots.iter().any(|root| rest.starts_with(root));
    if !is_json_path && before.is_some_and(|c| c.is_alphanumeric() || "._-/:".contains(c)) {
        return None;
    }
    let within = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || (is_json_path && "[]".contains(c))
    };
    let length = rest.find(|c| !within(c)).unwrap_or(rest.len());
    let name = rest[..length].trim_end_matches(['.', '[']);
    let is_tag = match mark {
        '@' => [
            "contact.", "contact_", "fields.", "results.", "urns.", "flow.", "step.", "parent.",
            "child.",
        ]
        .iter()
        .any(|root| name.starts_with(root)),
        _ => is_json_path || is_field(name),
    };
    is_tag.then(|| &text[..mark.len_utf8() + name.len()])
}

fn is_name(content: &str) -> bool {
    let letters = content.chars().filter(char::is_ascii_alphabetic).count();
    letters >= 3
        && content.starts_with(|c: char| c.is_ascii_alphabetic() || c == '|')
        && content.chars().all(|c| c.is_ascii_alphanumeric() || "_-.|:".contains(c))
}

fn is_parameter(content: &str) -> bool {
    let name_length = content
        .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
        .unwrap_or(content.len());
    let (name, rest) = content.split_at(name_length);
    let is_plain = !content.contains(['\n', '{', '}']);
    let is_named =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.len() > 1;
    is_plain
        && ((is_named
            && (rest.is_empty()
                || rest.starts_with(['=', '|', ':', '?'])
                || rest.starts_with(" OR ")))
            || is_field(content.trim()))
}

fn is_field(content: &str) -> bool {
    let is_short = content.chars().count() <= 40;
    let normalized: String = content
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let only_words = content.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ".contains(c));
    is_short
        && only_words
        && FIELDS
            .split(' ')
            .any(|field| field == normalized || normalized.strip_prefix("contact") == Some(field))
}

fn warning(tag: &str) -> String {
    let known = if tag.starts_with("$.") { json_path_variable(tag) } else { replacement(tag) };
    match known {
        Some(expression) => format!(
            "“{tag}” is a merge tag of another tool. Write {{{{ {expression} }}}}; otherwise it is \
             sent as it is."
        ),
        None => format!(
            "“{tag}” looks like a merge tag of another tool. Write variables like {{{{ \
             contact.first_name }}}} and {{{{ event.order_id }}}}; otherwise it is sent as it is."
        ),
    }
}

/// Carillon's variable for a path such as `$.properties.items[0].sku`.
fn json_path_variable(path: &str) -> Option<String> {
    let checked = check(&format!("{{{{ {path} }}}}"), Printing::Text).ok()?;
    checked.variables.first().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_tags_of_other_tools_are_found() {
        for tag in [
            "*|FNAME|*",
            "*|LIST:COMPANY|*",
            "%first_name%",
            "%FIRSTNAME%",
            "%recipient.name%",
            "%%first_name%%",
            "%%First Name%%",
            "%%FirstName%%",
            "{contactfield=firstname}",
            "{leadfield=firstname|there}",
            "{first_name}",
            "{FirstName}",
            "{firstName}",
            "{First Name}",
            "{!Contact.FirstName}",
            "{!firstname}",
            "{$name}",
            "${first_name}",
            "#{first_name}",
            "#{user.name}",
            "[First Name]",
            "[FIRST_NAME]",
            "[firstname]",
            "[[first_name]]",
            "[[data:firstname:\"\"]]",
            "[%first_name%]",
            "<%= user.name %>",
            "<% name %>",
            "<<First Name>>",
            "<first_name>",
            "«First Name»",
            "##first_name##",
            "::subscriber.first_name::",
            "__first_name__",
            "#first_name#",
            "~firstname~",
            "@contact.first_name",
            "@fields.city",
            "@(contact.name)",
            "{ first_name }",
            "$first_name",
            "{Hi|Hello|Hey}",
            "%{first_name}",
            "$first_name$",
            "$contact-firstname$",
            "{*first_name*}",
            "[firstname,fallback=there]",
            "[[FIRSTNAME OR \"Friend\"]]",
            "%%=v(@FirstName)=%%",
            "${properties.order_id}",
            "$.properties.order_id",
            "$.traits.firstName",
            "$.context.traits.email",
            "$.properties.products[0].name",
        ] {
            for text in [
                tag.to_owned(),
                format!("Hi {tag}, your order is here."),
                format!("Hi {tag}!"),
                format!("({tag})"),
            ] {
                assert_eq!(tags(&text), [tag], "{text}");
            }
        }
    }

    #[test]
    fn ordinary_texts_are_left_alone() {
        for text in [
            "50% off today, 20% off tomorrow",
            "100%! Only 5%, then 10 % more",
            "50%off% now",
            "https://example.com/?q=%C3%BCber%20uns&x=%E2%82%AC",
            "https://example.com/a%20b?utm_source=sms#top",
            "[Acme] Your code is 1234",
            "[1] first [2] second",
            "*Sale* ends |today|",
            "I <3 you :-} {-: ;-{)",
            "{ and } and {} stay",
            "a < b and c > d",
            "#sale #summer #firstname",
            "Call us: +1 415 555 0123 or mail shop@contact.example.com",
            "@shop on Instagram, $5 off, $20.00, cost: $name5",
            "«Bonjour» et “salut”",
            "~ 5 km ~",
            "Rated 5* | free returns | 24h",
            "snake_case__and__more",
            "{1} {2}",
            "It costs $ 5 and $name5, or $.50",
            "Our properties.de and traits.de",
            "10%.",
        ] {
            assert_eq!(tags(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_warning_names_what_to_write_instead() {
        assert_eq!(
            warnings("Hi *|FNAME|*, {{ contact.first_name | default(value='{x}') }} *|FNAME|*"),
            ["“*|FNAME|*” is a merge tag of another tool. Write {{ contact.first_name }}; \
              otherwise it is sent as it is."]
        );
        assert!(
            warnings("Hi {contactfield=firstname}")[0]
                .ends_with("Write {{ contact.first_name }}; otherwise it is sent as it is.")
        );
        assert!(
            warnings("Order $.properties.order_id.")[0]
                .ends_with("Write {{ event.order_id }}; otherwise it is sent as it is.")
        );
        assert!(warnings("$.properties.items[0].name")[0].contains("{{ event.items[0].name }}"));
        assert_eq!(warnings("Order {{$.properties.order_id}} of {{customer.name}}"), [""; 0]);
        assert!(warnings("Use {voucher_no}")[0].contains("looks like a merge tag"));
        let many: Vec<String> = (0..20).map(|n| format!("{{abc{n}}}")).collect();
        assert_eq!(warnings(&many.join(" ")).len(), MAX_FOUND);
    }
}
