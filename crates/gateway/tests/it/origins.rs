//! Which web pages may use the doors of HTTP: sessions over WebSocket, and requests from pages of other servers (CORS).

use anser_gateway::{Gateway, GatewayConfig, ListenerKind, Origins, Proxies, ProxyHeader};
use anser_types::ErrorCode;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::api::{Response, request};
use crate::world::{World, address};

const PAGE: &str = "https://app.example";
const STRANGE: &str = "https://evil.example";

fn config(world: &World, origins: &str) -> GatewayConfig {
    let mut config = world.config(&[ListenerKind::Http]);
    config.origins = Origins::new(origins).unwrap();
    config
}

/// Whether a browser that sends these headers gets a session; if not, the reason is the catalogued one.
async fn admitted(gateway: &Gateway, headers: &[(&'static str, &str)]) -> bool {
    let url = format!("ws://{}/v1/ws", address(gateway, ListenerKind::Http));
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok(_) => true,
        Err(Error::Http(refused)) => {
            assert_eq!(refused.status(), 403);
            let body = String::from_utf8(refused.into_body().unwrap()).unwrap();
            assert!(body.contains("ORIGIN_REFUSED") && body.contains("listen.origins"), "{body}");
            false
        }
        Err(other) => panic!("{other}"),
    }
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
    let world = World::new();
    let own = world.start(config(&world, ""));
    let open = world.start(config(&world, &format!("{PAGE}, http://localhost:5173")));
    let all = world.start(config(&world, "*"));
    for gateway in [&own, &open, &all] {
        assert!(admitted(gateway, &[]).await, "programs that are no browser say nothing");
        let page = format!("http://{}", address(gateway, ListenerKind::Http));
        assert!(admitted(gateway, &[("origin", &page)]).await, "{page}");
    }
    for (page, named) in [
        (PAGE, true),
        ("http://localhost:5173", true),
        (STRANGE, false),
        ("https://app.example.evil.example", false),
        ("http://127.0.0.1", false),
        ("null", false),
    ] {
        let page = [("origin", page)];
        assert!(!admitted(&own, &page).await, "{page:?}");
        assert_eq!(admitted(&open, &page).await, named, "{page:?}");
        assert!(admitted(&all, &page).await, "{page:?}");
    }
}

#[tokio::test]
async fn requirement_k1_a_trusted_proxy_says_as_which_server_it_was_asked() {
    let world = World::new();
    for (header, said) in [
        (ProxyHeader::XForwardedFor, ("x-forwarded-host", "chat.example")),
        (ProxyHeader::Forwarded, ("forwarded", "for=192.0.2.1;host=chat.example")),
    ] {
        for (proxies, believed) in [("127.0.0.1", true), ("10.0.0.1", false)] {
            let mut config = config(&world, "");
            config.proxies = Proxies::new(proxies, header).unwrap();
            let gateway = world.start(config);
            let headers = [("origin", "https://chat.example"), said];
            assert_eq!(admitted(&gateway, &headers).await, believed, "{said:?} from {proxies}");
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
        "access-control-allow-methods: GET,POST,PUT,PATCH,DELETE\r\n",
        "access-control-allow-headers: authorization,content-type,if-none-match,if-range,range,idempotency-key,",
        "upload-offset,upload-metadata,upload-checksum,upload-concat,upload-defer-length\r\n",
    ] {
        assert!(answer.head.contains(line), "{}", answer.head);
    }
    assert!(!answer.head.contains("allow-credentials"), "{}", answer.head);
    let at = address(&gateway, ListenerKind::Http);
    let from = async |page| request(at, "POST", "/v1/renew", page, "").await;
    let called = from("origin: https://app.example\r\n").await;
    called.is_problem(401, ErrorCode::TokenInvalid);
    assert!(called.head.contains("access-control-allow-origin: https://app.example\r\n"));
    let told = called.header("access-control-expose-headers").unwrap();
    for header in ["retry-after", "www-authenticate", "upload-offset", "upload-metadata"] {
        assert!(told.split(',').any(|one| one == header), "{told}");
    }
    for strange in
        [preflight(&gateway, STRANGE).await, from("origin: https://evil.example\r\n").await]
    {
        assert!(!strange.head.contains("access-control-allow-origin"), "{}", strange.head);
    }
}
