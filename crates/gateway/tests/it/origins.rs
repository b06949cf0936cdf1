//! Which web pages may use the doors of HTTP: sessions over WebSocket, and requests from pages of other servers (CORS).

use anser_gateway::{Gateway, GatewayConfig, ListenerKind, Origins, Proxies, ProxyHeader};
use anser_types::ErrorCode;

use crate::api::{Response, request};
use crate::world::{World, address};

const PAGE: &str = "https://app.example";
const STRANGE: &str = "https://evil.example";

fn config(world: &World, origins: &str) -> GatewayConfig {
    let mut config = world.config(&[ListenerKind::Http]);
    config.origins = Origins::new(origins).unwrap();
    config
}

/// What a browser with a page of this origin is answered when it asks for a session at `localhost`. It is over as soon as
/// it has begun: the request says so.
async fn session(gateway: &Gateway, headers: &str) -> Response {
    let headers = format!(
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}"
    );
    let at = address(gateway, ListenerKind::Http);
    request(at, "GET", "/v1/ws", &headers, "").await
}

async fn admitted(gateway: &Gateway, headers: &str) -> bool {
    let answer = session(gateway, headers).await;
    if answer.status != 101 {
        answer.is_problem(403, ErrorCode::OriginRefused);
    }
    answer.status == 101
}

async fn preflight(gateway: &Gateway, page: &str) -> Response {
    let headers = format!(
        "origin: {page}\r\naccess-control-request-method: POST\r\n\
         access-control-request-headers: authorization,content-type\r\n"
    );
    let at = address(gateway, ListenerKind::Http);
    request(at, "OPTIONS", "/v1/sign-in", &headers, "").await
}

#[tokio::test]
async fn requirement_k1_a_strange_page_opens_no_session() {
    let mut world = World::new();
    world.connection.hello_timeout = std::time::Duration::from_millis(20);
    let own = world.start(config(&world, ""));
    let open = world.start(config(&world, &format!("{PAGE}, http://localhost:5173")));
    let all = world.start(config(&world, "*"));
    for (headers, at_own, at_open) in [
        ("", true, true),
        ("origin: http://localhost\r\n", true, true),
        ("origin: https://localhost\r\n", true, true),
        ("origin: http://localhost:5173\r\n", false, true),
        ("origin: https://app.example\r\n", false, true),
        ("origin: https://evil.example\r\n", false, false),
        ("origin: https://app.example.evil.example\r\n", false, false),
        ("origin: null\r\n", false, false),
    ] {
        assert_eq!(admitted(&own, headers).await, at_own, "{headers}");
        assert_eq!(admitted(&open, headers).await, at_open, "{headers}");
        assert!(admitted(&all, headers).await, "{headers}");
    }
    let refused = session(&own, "origin: https://evil.example\r\n").await;
    assert!(refused.json()["detail"].as_str().unwrap().contains(STRANGE), "{}", refused.body);
}

#[tokio::test]
async fn requirement_k1_a_trusted_proxy_says_as_which_server_it_was_asked() {
    let mut world = World::new();
    world.connection.hello_timeout = std::time::Duration::from_millis(20);
    let page = "origin: https://chat.example\r\n";
    for (header, said) in [
        (ProxyHeader::XForwardedFor, "x-forwarded-host: chat.example\r\n"),
        (ProxyHeader::Forwarded, "forwarded: for=192.0.2.1;host=chat.example\r\n"),
    ] {
        for (proxies, believed) in [("127.0.0.1", true), ("10.0.0.1", false)] {
            let mut config = config(&world, "");
            config.proxies = Proxies::new(proxies, header).unwrap();
            let gateway = world.start(config);
            let headers = format!("{page}{said}");
            assert_eq!(admitted(&gateway, &headers).await, believed, "{headers} from {proxies}");
        }
    }
}

#[tokio::test]
async fn requirement_k1_pages_in_the_list_may_call_the_api_and_no_others() {
    let world = World::new();
    let gateway = world.start(config(&world, PAGE));
    let answer = preflight(&gateway, PAGE).await;
    assert_eq!(answer.status, 200);
    for line in [
        "access-control-allow-origin: https://app.example\r\n",
        "access-control-allow-methods: get,post\r\n",
        "access-control-allow-headers: authorization,content-type,idempotency-key\r\n",
    ] {
        assert!(answer.head.contains(line), "{}", answer.head);
    }
    assert!(!answer.head.contains("allow-credentials"), "{}", answer.head);
    let at = address(&gateway, ListenerKind::Http);
    let from = async |page| request(at, "POST", "/v1/renew", page, "").await;
    let called = from("origin: https://app.example\r\n").await;
    called.is_problem(401, ErrorCode::TokenInvalid);
    assert!(called.head.contains("access-control-allow-origin: https://app.example\r\n"));
    assert!(called.head.contains("access-control-expose-headers: retry-after,www-authenticate"));
    for strange in
        [preflight(&gateway, STRANGE).await, from("origin: https://evil.example\r\n").await]
    {
        assert!(!strange.head.contains("access-control-allow-origin"), "{}", strange.head);
    }
}
