//! What is accepted makes a configuration that holds exactly what was asked for, and nothing that was typed breaks out.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use proptest::prelude::*;

use super::hosts::virtual_hosts;
use super::plan::{Certificates, Plan};
use super::site::Site;
use crate::config::proto::envoy::config::listener::v3::{Listener, filter};
use crate::config::proto::envoy::config::route::v3::route_match::PathSpecifier;
use crate::config::proto::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use crate::config::{Loaded, Source, load};

/// The plan of these sites, with certificates whose file names are `file`; nothing is looked up or made.
fn plan(sites: &[Site], file: &str) -> Option<Plan> {
    let address = |host: &str, port| match host.len() {
        0 => Err(io::Error::other("no name")),
        length => Ok(vec![SocketAddr::from(([10, 0, 0, u8::try_from(length).unwrap_or(0)], port))]),
    };
    Some(Plan {
        hosts: virtual_hosts(sites, &address).ok()?,
        https: SocketAddr::from(([0, 0, 0, 0], 10443)),
        http: Some(SocketAddr::from(([0, 0, 0, 0], 10080))),
        admin: None,
        certificates: Certificates { chain: file.to_owned(), key: file.to_owned(), local: None },
    })
}

fn loaded(text: &str) -> Loaded {
    let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
    let loaded = load(&source).unwrap_or_else(|report| panic!("{report}\n{text}"));
    assert!(loaded.report.diagnostics().is_empty(), "{}", loaded.report);
    loaded
}

fn routes(loaded: &Loaded, listener: &str) -> RouteConfiguration {
    let resources = loaded.bootstrap.static_resources.as_ref().unwrap();
    let listener: &Listener = resources.listeners.iter().find(|one| one.name == listener).unwrap();
    let Some(filter::ConfigType::TypedConfig(any)) = &listener.filter_chains[0].filters[0].config_type else {
        panic!("no connection manager");
    };
    let manager: HttpConnectionManager = loaded.report.at().unpack(any).unwrap();
    let Some(RouteSpecifier::RouteConfig(routes)) = manager.route_specifier else { panic!("no routes") };
    routes
}

fn paths(host: &VirtualHost) -> Vec<&str> {
    host.routes
        .iter()
        .map(|route| match route.r#match.as_ref().and_then(|matched| matched.path_specifier.as_ref()) {
            Some(PathSpecifier::Prefix(path) | PathSpecifier::PathSeparatedPrefix(path)) => path.as_str(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Texts that are often right, and wrong in every way that a person or a bad joke could think of.
fn site() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => "([*][.])?[a-c]{1,2}([.][a-zA-Z0-9-]{1,3}){0,2}",
        1 => Just("*".to_owned()),
        1 => "[ -~\\n\u{e9}]{0,8}",
    ];
    let path = prop_oneof![
        2 => Just(String::new()),
        3 => "(/[a-z0-9.~%:,&$*+@{}-]{1,4}){1,2}/?",
        1 => "/[ -~\\n\u{e9}]{0,8}",
    ];
    let backend = prop_oneof![
        4 => "[1-9][.]0[.]0[.][1-9]:[1-9][0-9]{0,4}",
        1 => "\\[::[1-9]\\]:80",
        1 => "[a-z_.-]{1,6}:80",
        1 => "[ -~\\n\u{e9}]{0,8}",
    ];
    let backends = prop::collection::vec(backend, 1..4).prop_map(|backends| backends.join(","));
    (name, path, backends).prop_map(|(name, path, backends)| format!("{name}{path}={backends}"))
}

proptest! {
    #[test]
    fn what_is_accepted_loads_and_serves_exactly_the_names_given(
        texts in prop::collection::vec(site(), 1..12),
        file in "[ -~\u{e9}]{1,12}",
    ) {
        let sites: Vec<Site> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        prop_assume!(!sites.is_empty());
        let Some(plan) = plan(&sites, &file) else { return Ok(()) };
        let loaded = loaded(&plan.yaml());
        for listener in ["https", "http3"] {
            let routes = routes(&loaded, listener);
            let named: BTreeSet<&str> = routes.virtual_hosts.iter().map(|host| host.name.as_str()).collect();
            prop_assert_eq!(named.len(), routes.virtual_hosts.len());
            let given: BTreeSet<&str> = sites.iter().map(|site| site.name.as_str()).collect();
            prop_assert_eq!(&named, &given);
            for host in &routes.virtual_hosts {
                prop_assert_eq!(&host.domains, &vec![host.name.clone()]);
                let mut given: Vec<&Site> = sites.iter().filter(|site| site.name.as_str() == host.name).collect();
                given.sort_by_key(|site| std::cmp::Reverse(site.path.as_str().len()));
                prop_assert_eq!(paths(host), given.iter().map(|site| site.path.as_str()).collect::<Vec<_>>());
            }
        }
        let clusters = &loaded.bootstrap.static_resources.as_ref().unwrap().clusters;
        let places: BTreeSet<String> = sites.iter().map(Site::place).collect();
        prop_assert_eq!(clusters.iter().map(|cluster| cluster.name.clone()).collect::<BTreeSet<_>>(), places);
    }

    #[test]
    fn what_a_site_prints_it_reads(text in site()) {
        if let Ok(site) = text.parse::<Site>() {
            prop_assert_eq!(site.to_string().parse::<Site>(), Ok(site));
        }
    }
}

#[test]
fn most_texts_of_the_strategy_are_accepted_often_enough() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let accepted = (0..400).filter(|_| site().new_tree(&mut runner).unwrap().current().parse::<Site>().is_ok()).count();
    assert!((40..360).contains(&accepted), "{accepted} of 400 say little");
}

#[test]
fn as_many_sites_as_a_command_line_holds_are_loaded() {
    let sites: Vec<Site> =
        (0..2000).map(|number| format!("site-{number}.test=127.0.0.1:80,127.0.0.2:80").parse().unwrap()).collect();
    let loaded = loaded(&plan(&sites, "c.pem").unwrap().yaml());
    assert_eq!(routes(&loaded, "http3").virtual_hosts.len(), 2000);
}

#[test]
fn the_redirect_names_the_port_unless_both_are_the_usual_ones() {
    let sites = ["a.test=127.0.0.1:80".parse().unwrap()];
    let redirect = |https: u16, http: u16| {
        let mut plan = plan(&sites, "c.pem").unwrap();
        plan.https.set_port(https);
        plan.http = Some(SocketAddr::from(([0, 0, 0, 0], http)));
        let text = plan.yaml();
        loaded(&text);
        let line = text.lines().find(|line| line.contains("redirect:")).unwrap();
        line.trim().to_owned()
    };
    assert_eq!(redirect(10443, 10080), "redirect: {https_redirect: true, port_redirect: 10443}");
    assert_eq!(redirect(443, 10080), "redirect: {https_redirect: true, port_redirect: 443}");
    assert_eq!(redirect(443, 80), "redirect: {https_redirect: true}");
}
