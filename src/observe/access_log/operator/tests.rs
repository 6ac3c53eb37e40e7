//! Every operator against the facts of one exchange.

use super::super::syntax::{Token, tokens};
use super::*;

fn compile(text: &str) -> Result<Operator, FormatError> {
    match tokens(text)?.as_slice() {
        [Token::Command(command)] => Operator::compile(command, &mut Captures::default()),
        other => panic!("{text} is {other:?}"),
    }
}

fn problem(text: &str) -> String {
    compile(text).unwrap_err().problem.to_string()
}

/// Each of these the release binary of Envoy 1.40 takes (`REQ_WITHOUT_QUERY` with its formatter).
#[test]
fn what_envoy_takes_is_taken() {
    let taken = "%PROTOCOL% %PROTOCOL()% %REQ(a)% %REQ(a):0% %REQ(a?b)% %REQ(a?)% %REQ(?b)% %REQ(:path?host):3% %RESP(x):5% \
        %TRAILER(x):5% %REQUEST_HEADER(X?Y):3% %RESPONSE_HEADER(X?Y):3% %RESPONSE_TRAILER(X?Y):3% %REQ_WITHOUT_QUERY(:path):9% \
        %START_TIME% %START_TIME()% %START_TIME(%s.%3f)% %START_TIME_LOCAL(%Y)% %EMIT_TIME% %EMIT_TIME_LOCAL% \
        %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)% %RESPONSE_CODE_DETAILS()% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS()% \
        %GRPC_STATUS_NUMBER% %COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)% %COMMON_DURATION(DS_RX_BEG:DS_TX_END)% \
        %ENVIRONMENT(X):3% %PATH% %PATH():3% %PATH(WQ)% %PATH(NQ:ORIG)% %PATH(:ORIG_OR_PATH):3% %QUERY_PARAM(x):3% \
        %QUERY_PARAMS% %QUERY_PARAMS(ORIG):3% %DOWNSTREAM_PEER_CERT_V_START% %DOWNSTREAM_PEER_CERT_V_END(%Y)% %REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)% %HOSTNAME%";
    for text in taken.split_whitespace() {
        if let Err(error) = compile(text) {
            panic!("{text}: {error}");
        }
    }
}

#[test]
fn every_plain_operator_answers_for_an_empty_record() {
    let record = Record::new(SystemTime::UNIX_EPOCH, std::sync::Arc::default());
    for name in plain::names().chain(certificate::names()) {
        let operator = compile(&format!("%{name}%")).unwrap();
        operator.answer(&record).write_json(&mut Vec::new());
    }
}

/// The 162 operators of Envoy 1.40, and one of an extension: each is here or known to be missing.
#[test]
fn every_operator_of_envoy_is_known() {
    let mut names: Vec<_> = plain::names()
        .chain(certificate::names())
        .chain(WITH_ARGUMENT.iter().copied())
        .chain(ELSEWHERE.iter().copied())
        .collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!((all, names.len()), (163, 163));
    for name in WITH_ARGUMENT {
        assert!(!matches!(unknown_or_not(name), Some(Problem::UnknownOperator { .. })), "{name}");
    }
}

fn unknown_or_not(name: &str) -> Option<Problem> {
    compile(&format!("%{name}%")).err().map(|error| error.problem)
}

#[test]
fn errors_say_what_to_do() {
    insta::assert_snapshot!(problem("%PROTOCL%"), @"no operator is called %PROTOCL%; did you mean %PROTOCOL%?");
    insta::assert_snapshot!(problem("%UPSTREAM_ADDRESS%"), @"no operator is called %UPSTREAM_ADDRESS%; did you mean %UPSTREAM_LOCAL_ADDRESS% or %UPSTREAM_REMOTE_ADDRESS% or %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%?");
    insta::assert_snapshot!(problem("%XYZZY%"), @"no operator is called %XYZZY%");
    insta::assert_snapshot!(problem("%DYNAMIC_METADATA(a:b)%"), @"%DYNAMIC_METADATA% is known to Envoy but not implemented yet; take it out of the format");
    insta::assert_snapshot!(problem("%PROTOCOL(x)%"), @"%PROTOCOL% takes no argument and no length");
    insta::assert_snapshot!(problem("%ROUTE_NAME:3%"), @"%ROUTE_NAME% takes no argument and no length");
    insta::assert_snapshot!(problem("%REQ%"), @"%REQ% needs an argument: the name of a header field");
    insta::assert_snapshot!(problem("%REQ(a?b?c)%"), @"%REQ% cannot take 'a?b?c': a field may have one other after a question mark, not two");
    insta::assert_snapshot!(problem("%REQ(a b)%"), @"%REQ% cannot take 'a b': it is not the name of a header field");
    insta::assert_snapshot!(problem("%START_TIME:3%"), @"%START_TIME% takes no length");
    insta::assert_snapshot!(problem("%START_TIME(%Q)%"), @"%START_TIME% cannot take '%Q': a time format has strftime specifiers, %s and %3f");
    insta::assert_snapshot!(problem("%GRPC_STATUS(x)%"), @"%GRPC_STATUS% cannot take 'x': it is CAMEL_STRING, SNAKE_STRING or NUMBER");
    insta::assert_snapshot!(problem("%ENVIRONMENT%"), @"%ENVIRONMENT% needs an argument: the name of an environment variable");
    insta::assert_snapshot!(problem("%PATH(X)%"), @"%PATH% cannot take 'X': the query is WQ (with it) or NQ (without it)");
    insta::assert_snapshot!(problem("%PATH(NQ:X)%"), @"%PATH% cannot take 'X': the path is PATH, ORIG or ORIG_OR_PATH");
    insta::assert_snapshot!(problem("%QUERY_PARAM%"), @"%QUERY_PARAM% needs an argument: the name of a query parameter");
    insta::assert_snapshot!(problem("%REQUESTED_SERVER_NAME(x)%"), @"%REQUESTED_SERVER_NAME% cannot take 'x': the order is SNI_ONLY, SNI_FIRST or HOST_FIRST");
    for wrong in
        ["%COMMON_DURATION(a:b:ms)%", "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:s)%", "%COMMON_DURATION(DS_RX_BEG)%"]
    {
        assert!(problem(wrong).contains("START:END:PRECISION"), "{wrong}");
    }
}

#[test]
fn a_duration_is_cut_to_whole_units() {
    let start = Instant::now();
    let end = start + Duration::from_micros(1999);
    let written = |unit: Unit, from, to| {
        let mut out = Vec::new();
        unit.value(from, to).write_text(&mut out, "-");
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(Unit::Milliseconds, Some(start), Some(end)), "1");
    assert_eq!(written(Unit::Microseconds, Some(start), Some(end)), "1999");
    assert_eq!(written(Unit::Nanoseconds, Some(start), Some(end)), "1999000");
    assert_eq!(written(Unit::Milliseconds, Some(end), Some(start)), "-");
    assert_eq!(written(Unit::Milliseconds, Some(end), None), "-");
}
