//! [`Setting`]: the declaration of one setting.

/// The declaration of a setting, for documentation and display.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// The default, in words.
    pub default: &'static str,
    /// The description, in Markdown.
    pub about: &'static str,
    /// How much of the value may be shown.
    pub secrecy: Secrecy,
}

/// How much of a setting's value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// The whole value.
    Shown,
    /// Everything but the password.
    Url,
    /// Nothing.
    Hidden,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingOrigin {
    /// The default, since the setting is not set.
    Default,
    /// `.env` in the directory where the program was started.
    EnvFile,
    /// The environment of the program.
    Environment,
    /// An argument of the program, or the command itself, as with `demo`.
    Command,
}
