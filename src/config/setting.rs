//! One setting: how it is declared, and how it holds now.

/// One setting, as a person reads about it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds without it, in words.
    pub default: &'static str,
    /// What it is for, in Markdown.
    pub about: &'static str,
    /// Whether its value may be shown.
    pub secrecy: Secrecy,
}

/// What of a setting's value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// All.
    Shown,
    /// All but the password in it.
    Url,
    /// Nothing.
    Hidden,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingOrigin {
    /// Nobody has set it.
    Default,
    /// `.env` in the directory in which the program was started.
    EnvFile,
    /// The environment of the program.
    Environment,
    /// An argument of the program, or what the command is there for.
    Command,
}

/// A setting as it holds now, for showing.
#[derive(Debug, Clone)]
pub struct InEffect {
    /// The setting.
    pub setting: Setting,
    /// Its value: passwords and keys masked.
    pub value: String,
    /// Where it comes from.
    pub origin: SettingOrigin,
}
