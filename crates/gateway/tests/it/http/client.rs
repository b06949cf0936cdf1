//! Users who ask by HTTP.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anser_gateway::http::openapi::description;
use anser_gateway::{Gateway, ListenerKind};
use anser_service::{Settings, SignedIn};
use anser_types::DeviceClass;
use serde_json::Value;

use crate::api::{Response, bearer, request};
use crate::world::{World, address};

/// A server with an HTTP door and users who have a device each.
pub struct Town {
    pub world: World,
    pub at: SocketAddr,
    _gateway: Gateway,
    devices: BTreeMap<String, SignedIn>,
    keys: Cell<u32>,
    /// Routes, as the description names them, that have answered with success.
    pub used: RefCell<BTreeSet<String>>,
}

impl Town {
    pub async fn of(users: &[&str]) -> Self {
        Self::with(users, |_| ()).await
    }

    pub async fn with(users: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let world = World::with(change);
        let gateway = world.gateway(&[ListenerKind::Http]);
        let at = address(&gateway, ListenerKind::Http);
        let mut devices = BTreeMap::new();
        for user in users {
            devices.insert((*user).to_owned(), world.device(user, DeviceClass::Phone).await);
        }
        let (keys, used) = (Cell::new(0), RefCell::default());
        Self { world, at, _gateway: gateway, devices, keys, used }
    }

    pub fn device(&self, user: &str) -> &SignedIn {
        &self.devices[user]
    }

    /// A user reads something.
    pub async fn get(&self, user: &str, path: &str) -> Response {
        self.ask(user, "GET", path, "", "").await
    }

    /// A user does something, with a key of its own.
    pub async fn act(&self, user: &str, method: &str, path: &str, body: &Value) -> Response {
        self.keys.set(self.keys.get() + 1);
        let key = format!("key-{}", self.keys.get());
        self.act_once(user, &key, method, path, body).await
    }

    /// The same with this key.
    pub async fn act_once(
        &self,
        user: &str,
        key: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(user, method, path, &format!("idempotency-key: {key}\r\n"), &body).await
    }

    /// What a user did, with the answer as it should be.
    #[track_caller]
    pub fn done(&self, response: &Response) -> Value {
        assert_eq!(response.status, 200, "{}", response.body);
        response.json()
    }

    pub async fn ask(
        &self,
        user: &str,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Response {
        let headers = format!("{}{headers}", bearer(&self.device(user).token));
        let response = request(self.at, method, path, &headers, body).await;
        if response.status == 200 {
            self.used.borrow_mut().insert(template(method, path));
        }
        response
    }

    /// A group of these, made by the first; its path.
    pub async fn group(&self, users: &[&str]) -> String {
        let body = serde_json::json!({"title": "group", "members": &users[1..]});
        let made = self.act(users[0], "POST", "/v1/groups", &body).await;
        self.done(&made)["conversation"].as_str().unwrap().to_owned()
    }
}

pub fn spec() -> Value {
    serde_json::from_str(description()).unwrap()
}

/// The route of the description that a request goes to.
pub fn template(method: &str, path: &str) -> String {
    // Whatever is read can be asked about (RFC 9110, section 9.3.2).
    let method = if method == "HEAD" { "GET" } else { method };
    let asked: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let spec = spec();
    let fits = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        let same = |(part, asked): (&&str, &&str)| part.starts_with('{') || part == asked;
        parts.len() == asked.len() && parts.iter().zip(&asked).all(same)
    };
    let paths = spec["paths"].as_object().unwrap();
    let mut fitting: Vec<&String> = paths.keys().filter(fits).collect();
    // What is named goes before what is a parameter.
    fitting.sort_by_key(|path| path.matches('{').count());
    let path = fitting.first().unwrap_or_else(|| panic!("{path} is not described"));
    assert!(paths[*path][method.to_lowercase()].is_object(), "{method} {path} is not described");
    format!("{method} {path}")
}
