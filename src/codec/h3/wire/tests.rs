//! Frames as RFC 9114 has them, and as it does not: each row with the code that it gets.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const MAX_SECTION: usize = 100;

/// A frame: its type, the length that it says, and its content.
fn frame(kind: u64, length: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(kind, &mut out);
    encode(length, &mut out);
    out.extend_from_slice(payload);
    out
}

fn whole(kind: u64, payload: &[u8]) -> Vec<u8> {
    frame(kind, payload.len() as u64, payload)
}

fn integer(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out);
    out
}

/// What a request stream holds, fed in chunks of these sizes in turn, and how it ended. The first section is a final head.
fn request(bytes: &[u8], sizes: &[usize]) -> Result<Vec<Piece>, WireError> {
    let mut reader = RequestReader::new(MAX_SECTION);
    let (mut pieces, mut rest, mut sizes) = (Vec::new(), bytes, sizes.iter().copied().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at(sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
        let mut chunk = Bytes::copy_from_slice(now);
        while let Some(piece) = reader.next(&mut chunk)? {
            if matches!(piece, Piece::Section(_)) && pieces.is_empty() {
                reader.head_is_final();
            }
            pieces.push(piece);
        }
        assert!(chunk.is_empty(), "what is left was not taken");
        rest = later;
    }
    reader.end().map(|()| pieces)
}

/// The same with adjacent data put together, which depends on the chunks.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.into_iter().fold(Vec::new(), |mut joined, piece| {
        if let (Some(Piece::Data(before)), Piece::Data(data)) = (joined.last_mut(), &piece) {
            *before = [&before[..], &data[..]].concat().into();
        } else {
            joined.push(piece);
        }
        joined
    })
}

fn control(server: bool, bytes: &[u8], size: usize) -> Result<Vec<Control>, WireError> {
    let mut reader = ControlReader::new(server);
    let mut said = Vec::new();
    for part in bytes.chunks(size) {
        let mut chunk = Bytes::copy_from_slice(part);
        while let Some(control) = reader.next(&mut chunk)? {
            said.push(control);
        }
    }
    Ok(said)
}

/// A control stream that begins with empty SETTINGS.
fn settled(frames: &[Vec<u8>]) -> Vec<u8> {
    [&[whole(kind::SETTINGS, b"")], frames].concat().concat()
}

#[test]
fn rfc9000_a_1_integers_are_those_of_the_examples() {
    let table: &[(&[u8], u64)] = &[
        (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
        (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
        (&[0x7b, 0xbd], 15293),
        (&[0x25], 37),
    ];
    for (bytes, value) in table {
        assert_eq!(decode(bytes), Ok((*value, bytes.len())));
        assert_eq!(integer(*value), *bytes);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), Err(Incomplete));
    }
    // A longer form than is needed is allowed.
    assert_eq!(decode(&[0x40, 0x25]), Ok((37, 2)));
    assert_eq!(integer(1 << 62), b"");
}

#[test]
fn rfc9114_4_1_a_message_is_a_head_content_and_trailers() {
    let stream = [
        whole(0x21, b"reserved"),
        whole(kind::HEADERS, b"head"),
        whole(0x40, b""),
        whole(kind::DATA, b"one"),
        whole(kind::DATA, b""),
        frame(0x1f * 7 + 0x21, 3, b"abc"),
        whole(kind::DATA, b"two"),
        whole(kind::HEADERS, b"trailers"),
        whole(0x21, b"more that is unknown"),
    ]
    .concat();
    let expected = [
        Piece::Section(Bytes::from_static(b"head")),
        Piece::Data(Bytes::from_static(b"onetwo")),
        Piece::Section(Bytes::from_static(b"trailers")),
    ];
    for size in 1..=stream.len() {
        assert_eq!(joined(request(&stream, &[size]).unwrap()), expected, "chunks of {size}");
    }
}

#[test]
fn a_request_stream_refuses_what_is_out_of_place() {
    let head = whole(kind::HEADERS, b"head");
    let with_head = |frames: &[Vec<u8>]| [std::slice::from_ref(&head), frames].concat().concat();
    let table: Vec<(&str, Vec<u8>, WireError)> = vec![
        ("rfc9114 4.1: content first", whole(kind::DATA, b"x"), WireError::FrameUnexpected),
        ("rfc9114 4.1: empty content first", whole(kind::DATA, b""), WireError::FrameUnexpected),
        (
            "rfc9114 4.1: content after trailers",
            with_head(&[whole(kind::HEADERS, b"t"), whole(kind::DATA, b"x")]),
            WireError::FrameUnexpected,
        ),
        (
            "rfc9114 4.1: trailers twice",
            with_head(&[whole(kind::HEADERS, b"t"), whole(kind::HEADERS, b"t")]),
            WireError::FrameUnexpected,
        ),
        ("rfc9114 7.2.3: CANCEL_PUSH", with_head(&[whole(kind::CANCEL_PUSH, &integer(1))]), WireError::FrameUnexpected),
        ("rfc9114 7.2.4: SETTINGS", with_head(&[whole(kind::SETTINGS, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.4: SETTINGS first", whole(kind::SETTINGS, b""), WireError::FrameUnexpected),
        ("rfc9114 7.2.5: PUSH_PROMISE", with_head(&[whole(kind::PUSH_PROMISE, b"\x01x")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.5: PUSH_PROMISE first", whole(kind::PUSH_PROMISE, b"\x01x"), WireError::FrameUnexpected),
        ("rfc9114 7.2.6: GOAWAY", with_head(&[whole(kind::GOAWAY, &integer(0))]), WireError::FrameUnexpected),
        ("rfc9114 7.2.7: MAX_PUSH_ID", with_head(&[whole(kind::MAX_PUSH_ID, &integer(0))]), WireError::FrameUnexpected),
        (
            "rfc9218 7.2: PRIORITY_UPDATE",
            with_head(&[whole(kind::PRIORITY_UPDATE, b"\x00u=1")]),
            WireError::FrameUnexpected,
        ),
        (
            "rfc9218 7.2: PRIORITY_UPDATE for a push",
            with_head(&[whole(kind::PRIORITY_UPDATE_PUSH, b"\x00u=1")]),
            WireError::FrameUnexpected,
        ),
        ("rfc9114 7.2.8: PRIORITY of HTTP/2", with_head(&[whole(0x2, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.8: PING of HTTP/2", with_head(&[whole(0x6, b"12345678")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.8: WINDOW_UPDATE of HTTP/2", whole(0x8, b"1234"), WireError::FrameUnexpected),
        ("rfc9114 7.2.8: CONTINUATION of HTTP/2", with_head(&[whole(0x9, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.1: cut in a type", with_head(&[vec![0x40]]), WireError::Frame),
        ("rfc9114 7.1: cut in a length", with_head(&[vec![0x0, 0x80, 0x0]]), WireError::Frame),
        ("rfc9114 7.1: cut after a length", with_head(&[frame(kind::DATA, 1, b"")]), WireError::Frame),
        ("rfc9114 7.1: content cut short", with_head(&[frame(kind::DATA, 10, b"123456789")]), WireError::Frame),
        ("rfc9114 7.1: head cut short", frame(kind::HEADERS, 10, b"123456789"), WireError::Frame),
        ("rfc9114 7.1: head announced only", frame(kind::HEADERS, 10, b""), WireError::Frame),
        ("rfc9114 7.1: what is unknown cut short", with_head(&[frame(0x21, 10, b"123")]), WireError::Frame),
        ("a head over its limit", frame(kind::HEADERS, 101, &[b'x'; 101]), WireError::ExcessiveLoad),
        ("a head of 2^62 - 1 bytes", frame(kind::HEADERS, varint::MAX, b""), WireError::ExcessiveLoad),
        ("trailers over their limit", with_head(&[frame(kind::HEADERS, 101, b"")]), WireError::ExcessiveLoad),
    ];
    for (row, stream, expected) in &table {
        for size in [1, 2, 7, usize::MAX] {
            assert_eq!(request(stream, &[size]), Err(*expected), "{row}, chunks of {size}");
        }
    }
}

#[test]
fn rfc9114_9_what_is_unknown_is_passed_over_and_never_kept() {
    let mut reader = RequestReader::new(MAX_SECTION);
    let mut head = Bytes::from(frame(0x21, 1 << 60, b""));
    assert_eq!(reader.next(&mut head), Ok(None));
    for _ in 0..1000 {
        let mut chunk = Bytes::from(vec![b'x'; 65536]);
        assert_eq!((reader.next(&mut chunk), chunk.len()), (Ok(None), 0));
    }
    assert_eq!(reader.kept(), 0);
}

#[test]
fn a_section_in_one_chunk_is_not_copied() {
    let mut chunk = Bytes::from(whole(kind::HEADERS, b"head"));
    let place = chunk[2..].as_ptr();
    let Ok(Some(Piece::Section(section))) = RequestReader::new(MAX_SECTION).next(&mut chunk) else {
        panic!("a section")
    };
    assert_eq!(section.as_ptr(), place);
}

#[test]
fn an_interim_head_leaves_the_stream_at_its_beginning() {
    let mut reader = RequestReader::new(MAX_SECTION);
    let mut chunk = Bytes::from([whole(kind::HEADERS, b"103"), whole(kind::HEADERS, b"200")].concat());
    assert!(matches!(reader.next(&mut chunk), Ok(Some(Piece::Section(_)))));
    assert!(matches!(reader.next(&mut chunk), Ok(Some(Piece::Section(_)))));
    reader.head_is_final();
    let mut chunk = Bytes::from([whole(kind::DATA, b"x"), whole(kind::HEADERS, b"t")].concat());
    assert_eq!(reader.next(&mut chunk), Ok(Some(Piece::Data(Bytes::from_static(b"x")))));
    assert!(matches!(reader.next(&mut chunk), Ok(Some(Piece::Section(_)))));
}

#[test]
fn rfc9114_6_2_1_a_control_stream_begins_with_settings() {
    let settings = [integer(0x6), integer(16384), integer(0x1), integer(4096), integer(0x7), integer(100)].concat();
    let more = [integer(0x8), integer(1), integer(0x33), integer(1), integer(0x21), integer(7)].concat();
    let payload = [settings, more].concat();
    let expected = Settings {
        max_field_section_size: Some(16384),
        qpack_max_table_capacity: 4096,
        qpack_blocked_streams: 100,
        enable_connect_protocol: true,
        h3_datagram: true,
    };
    for size in 1..=payload.len() + 2 {
        let said = control(true, &whole(kind::SETTINGS, &payload), size).unwrap();
        assert_eq!(said, [Control::Settings(expected)]);
    }
}

#[test]
fn settings_that_are_written_can_be_read() {
    for settings in [
        Settings::default(),
        Settings { max_field_section_size: Some(0), ..Settings::default() },
        Settings {
            max_field_section_size: Some(1 << 20),
            qpack_max_table_capacity: 65536,
            qpack_blocked_streams: 16,
            enable_connect_protocol: true,
            h3_datagram: true,
        },
    ] {
        let mut out = Vec::new();
        settings.encode(&mut out);
        assert_eq!(control(false, &out, 3).unwrap(), [Control::Settings(settings)]);
    }
}

/// On which side the reader is, the frames, and what they get.
type Row = (&'static str, bool, Vec<u8>, WireError);

fn refuses(table: &[Row]) {
    for (row, server, stream, expected) in table {
        for size in [1, 3, usize::MAX] {
            assert_eq!(control(*server, stream, size), Err(*expected), "{row}, chunks of {size}");
        }
    }
}

#[test]
fn a_control_stream_refuses_settings_that_are_none() {
    let pair = |id, value| [integer(id), integer(value)].concat();
    let setting = |pairs: &[Vec<u8>]| whole(kind::SETTINGS, &pairs.concat());
    let goaway = |id| whole(kind::GOAWAY, &integer(id));
    refuses(&[
        ("rfc9114 6.2.1: GOAWAY first", true, goaway(0), WireError::MissingSettings),
        ("rfc9114 6.2.1: a reserved frame first", true, whole(0x21, b""), WireError::MissingSettings),
        ("rfc9114 6.2.1: HEADERS first", true, whole(kind::HEADERS, b""), WireError::MissingSettings),
        ("rfc9114 7.2.4: SETTINGS twice", true, settled(&[setting(&[])]), WireError::FrameUnexpected),
        ("rfc9114 7.2.4: a setting twice", true, setting(&[pair(0x6, 1), pair(0x6, 1)]), WireError::Settings),
        ("rfc9114 7.2.4: an unknown one twice", true, setting(&[pair(0x21, 1), pair(0x21, 2)]), WireError::Settings),
        ("rfc9114 7.2.4.1: 0x0 of HTTP/2", true, setting(&[pair(0x0, 0)]), WireError::Settings),
        ("rfc9114 7.2.4.1: 0x2 of HTTP/2", true, setting(&[pair(0x2, 0)]), WireError::Settings),
        ("rfc9114 7.2.4.1: 0x3 of HTTP/2", true, setting(&[pair(0x3, 0)]), WireError::Settings),
        ("rfc9114 7.2.4.1: 0x4 of HTTP/2", true, setting(&[pair(0x4, 0)]), WireError::Settings),
        ("rfc9114 7.2.4.1: 0x5 of HTTP/2", true, setting(&[pair(0x5, 0)]), WireError::Settings),
        ("rfc9220 3: a flag of 2", true, setting(&[pair(0x8, 2)]), WireError::Settings),
        ("rfc9297 2.1.1: a flag of 2", true, setting(&[pair(0x33, 2)]), WireError::Settings),
        ("rfc9114 7.1: a setting without a value", true, setting(&[integer(0x6)]), WireError::Frame),
        ("rfc9114 7.1: a setting cut short", true, whole(kind::SETTINGS, &[0x6, 0x40]), WireError::Frame),
        ("settings without end", true, frame(kind::SETTINGS, 1 << 30, b""), WireError::ExcessiveLoad),
    ]);
}

#[test]
fn a_control_stream_refuses_what_is_out_of_place() {
    let goaway = |id| whole(kind::GOAWAY, &integer(id));
    let push = |id| whole(kind::MAX_PUSH_ID, &integer(id));
    refuses(&[
        ("rfc9114 7.2.1: DATA", true, settled(&[whole(kind::DATA, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.2: HEADERS", true, settled(&[whole(kind::HEADERS, b"")]), WireError::FrameUnexpected),
        (
            "rfc9114 7.2.5: PUSH_PROMISE",
            false,
            settled(&[whole(kind::PUSH_PROMISE, b"\0")]),
            WireError::FrameUnexpected,
        ),
        ("rfc9114 7.2.8: 0x2 of HTTP/2", true, settled(&[whole(0x2, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.8: 0x6 of HTTP/2", true, settled(&[whole(0x6, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.8: 0x8 of HTTP/2", true, settled(&[whole(0x8, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.8: 0x9 of HTTP/2", true, settled(&[whole(0x9, b"")]), WireError::FrameUnexpected),
        ("rfc9114 7.2.7: MAX_PUSH_ID to a client", false, settled(&[push(0)]), WireError::FrameUnexpected),
        ("rfc9114 7.2.7: MAX_PUSH_ID shrinks", true, settled(&[push(5), push(4)]), WireError::Id),
        ("rfc9114 5.2: GOAWAY grows", true, settled(&[goaway(4), goaway(8)]), WireError::Id),
        ("rfc9114 5.2: GOAWAY of no request", false, settled(&[goaway(1)]), WireError::Id),
        ("rfc9114 7.1: GOAWAY of nothing", true, settled(&[whole(kind::GOAWAY, b"")]), WireError::Frame),
        ("rfc9114 7.1: GOAWAY and more", true, settled(&[whole(kind::GOAWAY, b"\0\0")]), WireError::Frame),
        ("rfc9114 7.1: GOAWAY too long", true, settled(&[frame(kind::GOAWAY, 9, b"")]), WireError::Frame),
        ("rfc9114 7.2.3: CANCEL_PUSH", true, settled(&[whole(kind::CANCEL_PUSH, b"\0")]), WireError::Id),
        ("rfc9114 7.2.3: CANCEL_PUSH to a client", false, settled(&[whole(kind::CANCEL_PUSH, b"\0")]), WireError::Id),
        (
            "rfc9114 7.2.3: CANCEL_PUSH of no promise",
            true,
            settled(&[push(3), whole(kind::CANCEL_PUSH, b"\x03")]),
            WireError::Id,
        ),
        (
            "rfc9218 7.2: PRIORITY_UPDATE of no promise",
            true,
            settled(&[push(3), whole(kind::PRIORITY_UPDATE_PUSH, b"\x03u=1")]),
            WireError::Id,
        ),
        (
            "rfc9218 7.2: PRIORITY_UPDATE to a client",
            false,
            settled(&[whole(kind::PRIORITY_UPDATE, b"\0u=1")]),
            WireError::FrameUnexpected,
        ),
        (
            "rfc9218 7.2: PRIORITY_UPDATE of no request",
            true,
            settled(&[whole(kind::PRIORITY_UPDATE, b"\x01u=1")]),
            WireError::Id,
        ),
        (
            "rfc9218 7.2: PRIORITY_UPDATE of a push",
            true,
            settled(&[whole(kind::PRIORITY_UPDATE_PUSH, b"\0u=1")]),
            WireError::Id,
        ),
        (
            "rfc9218 7.2: PRIORITY_UPDATE of nothing",
            true,
            settled(&[whole(kind::PRIORITY_UPDATE, b"")]),
            WireError::Frame,
        ),
        (
            "a priority without end",
            true,
            settled(&[frame(kind::PRIORITY_UPDATE, 1 << 40, b"")]),
            WireError::ExcessiveLoad,
        ),
    ]);
}

#[test]
fn a_control_stream_says_what_it_may() {
    let server = settled(&[
        whole(0x21, &[0; 5000]),
        whole(kind::MAX_PUSH_ID, &integer(5)),
        whole(kind::MAX_PUSH_ID, &integer(5)),
        whole(kind::PRIORITY_UPDATE, b"\x04u=1, i"),
        whole(kind::GOAWAY, &integer(9)),
        whole(kind::GOAWAY, &integer(9)),
    ]);
    let expected = [
        Control::Settings(Settings::default()),
        Control::Priority(4, Priority { urgency: 1, incremental: true }),
        Control::GoAway(9),
        Control::GoAway(9),
    ];
    let client = settled(&[whole(kind::GOAWAY, &integer(varint::MAX - 3)), whole(kind::GOAWAY, &integer(8))]);
    for size in [1, 2, 5, usize::MAX] {
        assert_eq!(control(true, &server, size).unwrap(), expected);
        let said = control(false, &client, size).unwrap();
        assert_eq!(said[1..], [Control::GoAway(varint::MAX - 3), Control::GoAway(8)]);
    }
}

#[test]
fn rfc9218_4_a_priority_is_a_wish() {
    let table: &[(&str, u8, bool)] = &[
        ("", 3, false),
        ("u=0", 0, false),
        ("u=7", 7, false),
        ("u=8", 3, false),
        ("u=-1", 3, false),
        ("u=1.5", 3, false),
        ("u", 3, false),
        ("u=a", 3, false),
        ("i", 3, true),
        ("i=?1", 3, true),
        ("i=?0", 3, false),
        ("i=1", 3, false),
        ("u=5, i", 5, true),
        ("i,u=5", 5, true),
        ("u=1;x=y, i;z", 1, true),
        ("u=1, u=2", 2, false),
        ("x=1, u=2", 2, false),
        (" u=2\t", 2, false),
        ("U=2", 3, false),
        ("u=2, =", 3, false),
        ("u=2,", 3, false),
    ];
    for (value, urgency, incremental) in table {
        let expected = Priority { urgency: *urgency, incremental: *incremental };
        assert_eq!(Priority::parse(value.as_bytes()), expected, "{value:?}");
    }
    assert_eq!(Priority::parse(b"u=1\xff"), Priority::default());
}

/// A head, parts of content, and perhaps trailers, as frames with others between them that mean nothing.
fn message() -> impl Strategy<Value = (Vec<Piece>, Vec<u8>)> {
    let section = || prop::collection::vec(any::<u8>(), 0..=MAX_SECTION);
    let data = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5);
    let unknown = prop::option::of((0_u64..1 << 40, prop::collection::vec(any::<u8>(), 0..40)));
    (section(), data, prop::option::of(section()), prop::collection::vec(unknown, 7)).prop_map(
        |(head, data, trailers, unknown)| {
            let mut unknown = unknown.into_iter().flatten().map(|(n, bytes)| whole(0x1f * n + 0x21, &bytes));
            let mut stream = unknown.next().unwrap_or_default();
            let mut pieces = vec![Piece::Section(head.into())];
            pieces.extend(data.into_iter().map(|data| Piece::Data(data.into())));
            pieces.extend(trailers.map(|trailers| Piece::Section(trailers.into())));
            for piece in &pieces {
                stream.extend(match piece {
                    Piece::Section(section) => whole(kind::HEADERS, section),
                    Piece::Data(data) => whole(kind::DATA, data),
                });
                stream.extend(unknown.next().unwrap_or_default());
            }
            // Content that is empty is no piece.
            pieces.retain(|piece| !matches!(piece, Piece::Data(data) if data.is_empty()));
            (joined(pieces), stream)
        },
    )
}

/// What pieces hold, in order, each byte with whether it is content.
fn bytes_of(pieces: &[Piece]) -> Vec<(bool, u8)> {
    let bytes = pieces.iter().flat_map(|piece| match piece {
        Piece::Section(section) => section.iter().map(|byte| (false, *byte)).collect::<Vec<_>>(),
        Piece::Data(data) => data.iter().map(|byte| (true, *byte)).collect(),
    });
    bytes.collect()
}

proptest! {
    #[test]
    fn a_message_that_is_written_is_read_whatever_the_chunks(
        (pieces, stream) in message(),
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        prop_assert_eq!(request(&stream, &sizes).map(joined), Ok(pieces.clone()));
        prop_assert_eq!(request(&stream, &[usize::MAX]).map(joined), Ok(pieces));
    }

    #[test]
    fn a_message_that_is_cut_is_read_up_to_there_and_never_more(
        (pieces, stream) in message(),
        at in any::<prop::sample::Index>(),
        size in 1_usize..40,
    ) {
        let cut = &stream[..at.index(stream.len())];
        match request(cut, &[size]) {
            // Between two frames: what came is the beginning of it.
            Ok(read) => prop_assert!(bytes_of(&pieces).starts_with(&bytes_of(&read))),
            // RFC 9114 §7.1: within one.
            Err(error) => prop_assert_eq!(error, WireError::Frame),
        }
    }

    #[test]
    fn a_control_stream_that_is_written_is_read_whatever_the_chunks(
        settings in (prop::option::of(0_u64..1 << 62), 0_u64..1 << 62, 0_u64..1 << 62, any::<(bool, bool)>()),
        priorities in prop::collection::vec((0_u64..1 << 60, 0_u8..8, any::<bool>()), 0..4),
        mut goaways in prop::collection::vec(0_u64..1 << 62, 0..3),
        size in 1_usize..40,
    ) {
        let (max_field_section_size, qpack_max_table_capacity, qpack_blocked_streams, flags) = settings;
        let (enable_connect_protocol, h3_datagram) = flags;
        let settings = Settings {
            max_field_section_size,
            qpack_max_table_capacity,
            qpack_blocked_streams,
            enable_connect_protocol,
            h3_datagram,
        };
        let mut stream = Vec::new();
        settings.encode(&mut stream);
        let mut expected = vec![Control::Settings(settings)];
        for (request, urgency, incremental) in priorities {
            let text = format!("u={urgency}, i=?{}", u8::from(incremental));
            stream.extend(whole(0x21, b"nothing"));
            stream.extend(whole(kind::PRIORITY_UPDATE, &[&integer(request * 4), text.as_bytes()].concat()));
            expected.push(Control::Priority(request * 4, Priority { urgency, incremental }));
        }
        goaways.sort_unstable_by(|one, other| other.cmp(one));
        for id in goaways {
            stream.extend(whole(kind::GOAWAY, &integer(id)));
            expected.push(Control::GoAway(id));
        }
        prop_assert_eq!(control(true, &stream, size), Ok(expected.clone()));
        prop_assert_eq!(control(true, &stream, usize::MAX), Ok(expected));
    }

    #[test]
    fn any_bytes_in_any_chunks_give_the_same(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        prop_assert_eq!(request(&bytes, &sizes).map(joined), request(&bytes, &[usize::MAX]).map(joined));
        for server in [false, true] {
            prop_assert_eq!(control(server, &bytes, sizes[0]), control(server, &bytes, usize::MAX));
        }
    }

    #[test]
    fn frames_of_any_type_in_any_chunks_give_the_same(
        frames in prop::collection::vec((0_u64..16, prop::collection::vec(any::<u8>(), 0..20)), 0..8),
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(|(kind, payload)| whole(*kind, payload)).collect();
        prop_assert_eq!(request(&bytes, &sizes).map(joined), request(&bytes, &[usize::MAX]).map(joined));
        let stream = settled(&[bytes]);
        prop_assert_eq!(control(true, &stream, sizes[0]), control(true, &stream, usize::MAX));
    }

    #[test]
    fn an_integer_that_is_written_can_be_read(value in 0_u64..1 << 62) {
        let bytes = integer(value);
        prop_assert_eq!(decode(&bytes), Ok((value, encoded_len(value))));
    }
}
