//! The key file: a secret key that is created on first start, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use secrecy::ExposeSecret;

use super::declared_settings::Config;
use super::error::ConfigError;
use crate::types::sealed::SecretKey;

const FILE_NAME: &str = "secret.key";

impl Config {
    /// The key that seals secrets: the configured one, or else `secret.key` in the data directory,
    /// which is created if it is missing.
    pub fn secret_key(&self) -> Result<SecretKey, ConfigError> {
        match &self.secret_key {
            Some(key) => Ok(key.clone()),
            None => load_or_create(&self.data_dir),
        }
    }
}

/// Reads `<data_dir>/secret.key`, or creates it (and the directory) with a new key. Processes that
/// start at the same time get the same key.
fn load_or_create(data_dir: &Path) -> Result<SecretKey, ConfigError> {
    let path = data_dir.join(FILE_NAME);
    match load(&path)? {
        Some(key) => Ok(key),
        None => {
            create(data_dir, &path).map_err(|error| failed(&path, "made", &error))?;
            load(&path)?.ok_or_else(|| {
                ConfigError(format!(
                    "{} vanished while it was being made; start again",
                    path.display()
                ))
            })
        }
    }
}

fn load(path: &Path) -> Result<Option<SecretKey>, ConfigError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "read", &error)),
    };
    let mode = file.metadata().map_err(|error| failed(path, "read", &error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        let shown = path.display();
        return Err(ConfigError(format!(
            "{shown} may have leaked, since other users may read it (mode {mode:03o}): run `chmod \
             600 {shown}` if you know that none did"
        )));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| failed(path, "read", &error))?;
    let key = SecretKey::parse(&text).map_err(|error| {
        ConfigError(format!(
            "{} holds no key: {error}; restore it from your backup, since what it sealed needs it",
            path.display()
        ))
    })?;
    Ok(Some(key))
}

/// Writes a new key under a temporary name and links it to its final name: it appears whole or not
/// at all, and never replaces an existing key.
fn create(data_dir: &Path, path: &Path) -> io::Result<()> {
    // Other users may traverse the directory, but not list it: if Carillon runs as root, the
    // embedded PostgreSQL runs as another user.
    fs::DirBuilder::new().recursive(true).mode(0o711).create(data_dir)?;
    let temporary =
        data_dir.join(format!(".{FILE_NAME}.{}.{:08x}", std::process::id(), rand::random::<u32>()));
    let written = write(&temporary).and_then(|()| match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&temporary);
    written?;
    removed?;
    File::open(data_dir)?.sync_all()
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    writeln!(file, "{}", SecretKey::generate().to_base64().expose_secret())?;
    file.sync_all()
}

fn failed(path: &Path, what: &str, error: &io::Error) -> ConfigError {
    ConfigError(format!(
        "{} cannot be {what} ({error}); set CARILLON_DATA_DIR to a directory of your own, or \
         CARILLON_SECRET_KEY",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Directory(std::path::PathBuf);

    impl Directory {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("carillon-key-{}", uuid::Uuid::new_v4())))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_created_once_and_read_afterwards() {
        let directory = Directory::new();
        let key = load_or_create(&directory.0).unwrap();
        assert_eq!(load_or_create(&directory.0).unwrap().derive("x"), key.derive("x"));
        assert_eq!(fs::metadata(directory.0.join(FILE_NAME)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn concurrent_starts_get_the_same_key() {
        let directory = Directory::new();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| load_or_create(&directory.0).unwrap().derive("x")))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let directory = Directory::new();
        load_or_create(&directory.0).unwrap();
        fs::set_permissions(directory.0.join(FILE_NAME), fs::Permissions::from_mode(0o640))
            .unwrap();
        let error = load_or_create(&directory.0).unwrap_err().to_string();
        assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let directory = Directory::new();
        load_or_create(&directory.0).unwrap();
        fs::write(directory.0.join(FILE_NAME), "oops").unwrap();
        assert!(
            load_or_create(&directory.0)
                .unwrap_err()
                .to_string()
                .contains("restore it from your backup")
        );
    }
}
