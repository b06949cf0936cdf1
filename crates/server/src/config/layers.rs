//! The layers of the configuration: flag over environment over file over default, and where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::file::ConfigFile;
use super::keys::{Config, Key, keys, sections};
use super::problem::{Place, Problem};
use super::value::Shape;

/// What may set values, lowest first; defaults lie below all of them.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file; it need not exist.
    pub file: Option<PathBuf>,
    /// The environment (variables that are not ours are left alone).
    pub environment: Vec<(String, String)>,
    /// `section.key` and value, as given on the command line.
    pub flags: Vec<(String, String)>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file, an environment variable or a flag.
    Set(Place),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Set(place) => place.fmt(f),
        }
    }
}

/// The result: valid settings and the origin of each.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// By `section.key`.
    pub origins: BTreeMap<String, Origin>,
}

/// Applies all layers.
///
/// # Errors
/// Everything that is wrong with names, or the first value that its key does not take.
pub fn load(layers: &Layers) -> Result<Loaded, Vec<Problem>> {
    let file = read_file(layers)?;
    let environment = from_environment(&layers.environment)?;
    let flags = from_flags(&layers.flags)?;

    let defaults = Value::serialize(Config::default()).ok().and_then(Value::into_dict);
    let from_file = file.as_ref().and_then(|file| Value::serialize(file.table()).ok()?.into_dict());
    let figment = Figment::new()
        .merge(Layer { name: "default", values: defaults.unwrap_or_default() })
        .merge(Layer { name: "file", values: from_file.unwrap_or_default() })
        .merge(Layer { name: "environment", values: environment })
        .merge(Layer { name: "flag", values: flags });

    let place = |key: &Key| match figment.find_metadata(&key.path()).map(|m| m.name.as_ref()) {
        Some("file") => file.as_ref().map(|file| file.place_of(&key.path())),
        Some("environment") => Some(Place::Variable(key.variable())),
        Some("flag") => Some(Place::Flag(key.path())),
        _ => None,
    };
    let config = figment.extract::<Config>().map_err(|error| {
        error.into_iter().map(|error| in_our_words(&error, &place)).collect::<Vec<_>>()
    })?;
    let origins = keys()
        .iter()
        .map(|key| (key.path(), place(key).map_or(Origin::Default, Origin::Set)))
        .collect();
    Ok(Loaded { config, origins })
}

/// One layer, as figment wants it.
struct Layer {
    name: &'static str,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

fn read_file(layers: &Layers) -> Result<Option<ConfigFile>, Vec<Problem>> {
    let Some(path) = &layers.file else { return Ok(None) };
    match std::fs::read_to_string(path) {
        Ok(text) => ConfigFile::parse(path, &text).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(vec![Problem {
            place: Place::Line { file: path.clone(), line: None },
            what: format!("cannot be read: {error}"),
            instead: "make it a UTF-8 text file that the server's user may read".into(),
        }]),
    }
}

/// Our variables; one that begins like a section of ours but names no key is refused.
fn from_environment(variables: &[(String, String)]) -> Result<Dict, Vec<Problem>> {
    let known = keys();
    let prefixes: Vec<_> = sections()
        .iter()
        .map(|section| format!("ANSER_{}_", section.name.to_uppercase()))
        .collect();
    let mut values = Dict::new();
    let mut problems = Vec::new();
    for (name, text) in variables {
        if let Some(key) = known.iter().find(|key| key.variable() == *name) {
            put(&mut values, key, text);
        } else if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            problems.push(Problem::unknown_variable(name));
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

fn from_flags(flags: &[(String, String)]) -> Result<Dict, Vec<Problem>> {
    let known = keys();
    let mut values = Dict::new();
    for (path, text) in flags {
        if let Some(key) = known.iter().find(|key| key.path() == *path) {
            put(&mut values, key, text);
            continue;
        }
        let place = Place::Flag(path.clone());
        return Err(vec![match path.split_once('.') {
            Some((section, name)) if sections().iter().any(|known| known.name == section) => {
                Problem::unknown_key(place, section, name)
            }
            _ => Problem::unknown_section(place, path),
        }]);
    }
    Ok(values)
}

/// Puts a text into a layer as the value its key wants; a text that does not fit stays text and is refused later.
fn put(values: &mut Dict, key: &Key, text: &str) {
    let value = match key.shape {
        Shape::Switch => text.parse::<bool>().map_or_else(|_| Value::from(text), Value::from),
        Shape::Number => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        Shape::Text => Value::from(text),
    };
    let section = values.entry(key.section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, entries) = section {
        entries.insert(key.name.to_owned(), value);
    }
}

/// A figment error as a problem.
fn in_our_words(error: &figment::Error, place: &dyn Fn(&Key) -> Option<Place>) -> Problem {
    use figment::error::Kind;

    let what = match &error.kind {
        Kind::Message(text) => text.clone(),
        Kind::InvalidType(actual, _) | Kind::InvalidValue(actual, _) => {
            format!("{actual} does not fit")
        }
        Kind::UnknownVariant(actual, _) => format!("{actual:?} is not known"),
        other => other.to_string(),
    };
    let path = error.path.join(".");
    match keys().iter().find(|key| key.path() == path) {
        Some(key) => {
            let place = place(key).unwrap_or_else(|| Place::Flag(path.clone()));
            Problem::bad_value(place, key, &what)
        }
        None => Problem {
            place: Place::Flag(path),
            what,
            instead: "compare with docs/operate/configuration.md".into(),
        },
    }
}
