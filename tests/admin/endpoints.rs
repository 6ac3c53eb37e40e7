//! Which paths there are, and which methods they take.

use crate::rig::Rig;
use crate::support::message::Request;
use crate::support::wire::Wire;

#[tokio::test]
async fn help_lists_what_is_answered_and_nothing_else() {
    let rig = Rig::start().await;
    let help = rig.see("/help").await.text();
    assert!(help.starts_with("admin commands are:\n  /: Admin home page\n"), "{help}");
    let mut listed = 0;
    for line in help.lines().filter(|line| line.starts_with("  /")) {
        let path = line.trim_start().split([' ', ':']).next().expect("a path");
        let posts = line.contains(" (POST): ");
        let got = rig.see(path).await;
        // A method that is refused changes nothing: every path can be tried.
        assert_eq!(got.status, if posts { 405 } else { 200 }, "{path}");
        listed += 1;
    }
    assert_eq!(listed, 21);
}

#[tokio::test]
async fn what_changes_state_takes_post_only() {
    let rig = Rig::start().await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let reply = rig.ask(Request::new(method, "/quitquitquit")).await;
        assert_eq!(reply.status, 405);
        assert_eq!(reply.text(), format!("Method {method} not allowed, POST required."));
    }
    for path in
        ["/drain_listeners", "/healthcheck/fail", "/healthcheck/ok", "/logging", "/reopen_logs", "/reset_counters"]
    {
        assert_eq!(rig.see(path).await.status, 405, "{path}");
    }
    assert_eq!(rig.ask(Request::new("POST", "/ready")).await.text(), "LIVE\n", "what shows something takes any method");
}

#[tokio::test]
async fn an_unknown_path_is_answered_with_the_help() {
    let rig = Rig::start().await;
    let help = rig.see("/help").await.text();
    for path in ["/nope", "/stats/", "/ready/", "/READY"] {
        let reply = rig.see(path).await;
        assert_eq!((reply.status, reply.text()), (404, format!("invalid path. {help}")), "{path}");
    }
}

#[tokio::test]
async fn responses_carry_envoys_fields_in_envoys_order() {
    let rig = Rig::start().await;
    let reply = rig.see("/ready").await;
    let names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).take(5).collect();
    assert_eq!(names, ["content-type", "cache-control", "x-content-type-options", "date", "server"]);
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(reply.header("cache-control"), Some("no-cache, max-age=0"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(rig.see("/server_info").await.header("content-type"), Some("application/json"));
    for page in ["/", "/stats?format=html"] {
        assert_eq!(rig.see(page).await.header("content-type"), Some("text/html; charset=UTF-8"));
    }
}

#[tokio::test]
async fn rfc9110_9_3_2_head_is_get_without_the_content() {
    let rig = Rig::start().await;
    let got = rig.see("/help").await;
    let head = rig.ask(Request::new("HEAD", "/help")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(got.body.len().to_string().as_str()));
    assert_eq!(head.header("content-type"), got.header("content-type"));
}

#[tokio::test]
async fn http_1_0_is_answered_426_as_elsewhere() {
    let rig = Rig::start().await;
    let mut wire = Wire::tcp(rig.admin()).await.expect("the admin interface accepts");
    wire.write("GET /ready HTTP/1.0\r\n\r\n").await.expect("written");
    let (bytes, _) = wire.rest().await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(" 426 Upgrade Required\r\n") && text.ends_with("Upgrade Required"), "{text}");
}

#[tokio::test]
async fn rfc9112_3_2_a_request_without_host_is_answered_400() {
    let rig = Rig::start().await;
    let mut wire = Wire::tcp(rig.admin()).await.expect("the admin interface accepts");
    wire.write("GET /ready HTTP/1.1\r\n\r\n").await.expect("written");
    assert_eq!(wire.reply("GET").await.status, 400);
}

#[tokio::test]
async fn the_home_page_leads_to_every_command_and_fetches_nothing() {
    let rig = Rig::start().await;
    let home = rig.see("/").await.text();
    let help = rig.see("/help").await.text();
    for path in help.lines().filter_map(|line| line.strip_prefix("  /")?.split([' ', ':']).next()) {
        let link = path.is_empty()
            || home.contains(&format!("href=\"{path}\""))
            || home.contains(&format!("action=\"{path}\""));
        assert!(link, "/{path}");
    }
    for elsewhere in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!home.contains(elsewhere), "{elsewhere}");
    }
    assert!(home.contains("<form method=\"post\" action=\"quitquitquit\">"));
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let rig = Rig::start().await;
    let post =
        |origin: &str| Request::new("POST", "/healthcheck/fail").authority("localhost:9901").header("origin", origin);
    for origin in ["https://evil.example", "http://localhost:3000", "null"] {
        assert_eq!(rig.ask(post(origin)).await.status, 403, "{origin}");
        assert_eq!(rig.see("/ready").await.status, 200);
    }
    assert_eq!(rig.ask(post("http://localhost:9901")).await.status, 200);
    assert_eq!(rig.see("/ready").await.status, 503);
}

#[tokio::test]
async fn a_form_is_read_where_there_is_no_query() {
    let rig = Rig::start().await;
    let form = |path: &str, form: &str| {
        Request::post(path, form.to_owned()).header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
    };
    let listed = rig.ask(form("/logging", "level=error&paths=")).await;
    assert_eq!(listed.status, 200);
    assert!(listed.text().contains("  admin: error\n"));
    let listed = rig.ask(form("/logging?quic=off", "level=debug")).await.text();
    assert!(listed.contains("  quic: off\n") && listed.contains("  admin: error\n"), "the query comes first");
}
