"""The shipped groups hold what is hot in a typical profile of autopilot; what is in none is named here, and rightly so."""

from __future__ import annotations

import pytest

from autoprof_ci import config
from autoprof_ci.patterns import matcher
from autoprof_ci.symbols import normalise
from autoprof_ci.workloads import SHIPPED_CONFIG

GROUPS = [(group.name, matcher(group.match)) for group in config.parse(SHIPPED_CONFIG, source="autopilot.toml").policy.groups]
TOOLS, REGEX, JSON, DATABASE, NETWORK, MEMORY = (name for name, _ in GROUPS)
OTHER = None


def group_of(symbol: str) -> str | None:
    """Of a symbol as a profiler sees it: the first group, as everywhere; ``None``: what a report sums as "other"."""
    name = normalise(symbol)
    return next((group for group, matches in GROUPS if matches(name)), OTHER)


HOT_IN_ANALYZE = {
    "_ZN10serde_json4read9SliceRead14skip_to_escape17h0123456789abcdefE": JSON,
    "core::str::converts::from_utf8": JSON,
    "<serde_json::read::StrRead as serde_json::read::Read>::parse_str": JSON,
    "<autopilot::trajectory::StepType as serde::de::Deserialize>::deserialize": JSON,
    "autopilot::trajectory::_::<impl serde_core::de::Deserialize for autopilot::trajectory::StepType>::deserialize": JSON,
    "<serde::private::de::content::ContentDeserializer<E> as serde::de::Deserializer>::deserialize_any": JSON,
    "<serde_json::de::MapAccess<R> as serde_core::de::MapAccess>::next_key_seed::has_next_key": JSON,
    "indexmap::map::IndexMap<K,V,S>::insert_full": JSON,
    "indexmap::map::core::IndexMapCore<K,V>::insert_full": JSON,
    "__memmove_avx512_unaligned_erms": MEMORY,
    "__memmove_avx_unaligned_erms": MEMORY,
    "__memcpy_generic": MEMORY,
    "__memset_evex_unaligned_erms": MEMORY,
    "_int_malloc": MEMORY,
    "malloc": MEMORY,
    "malloc_consolidate": MEMORY,
    "_int_free": MEMORY,
    "_int_free_merge_chunk": MEMORY,
    "unlink_chunk.isra.0": MEMORY,
    "cfree@GLIBC_2.2.5": MEMORY,
    "__libc_calloc": MEMORY,
    "__rust_alloc": MEMORY,
    "__rustc::__rust_dealloc": MEMORY,
    "__rustc[5c8a2f6d1b3e4a70]::__rdl_realloc": MEMORY,
    "alloc::raw_vec::finish_grow": MEMORY,
    "core::ptr::drop_in_place<serde_json::value::Value>": MEMORY,
    "core::hash::BuildHasher::hash_one": OTHER,
    "chrono::format::parse::parse_internal": OTHER,
    "autopilot::analyze::analyze_trajectory": OTHER,
}

HOT_IN_RUN = {
    "serde_json::ser::format_escaped_str_contents": JSON,
    "<&mut serde_json::ser::Serializer<W,F> as serde::ser::Serializer>::serialize_str": JSON,
    "itoa::Buffer::format": JSON,
    "ryu::pretty::format64": JSON,
    "regex_automata::hybrid::search::find_fwd": REGEX,
    "regex_automata::nfa::thompson::compiler::Compiler::c": REGEX,
    "regex_syntax::hir::translate::TranslatorI::push": REGEX,
    "<aho_corasick::packed::teddy::generic::Slim<V,_> as aho_corasick::packed::teddy::generic::Searcher>::find": REGEX,
    "aho_corasick::packed::teddy::builder::x86_64::SlimAVX2<2>::find": REGEX,
    "memchr::arch::x86_64::avx2::memchr::One::find_raw_avx2": REGEX,
    "memchr::memmem::searcher::searcher_kind_avx2": REGEX,
    "autopilot::redact::redact_secrets": REGEX,
    "sqlite3VdbeExec": DATABASE,
    "sqlite3RunParser": DATABASE,
    "sqlite3GetToken": DATABASE,
    "yy_reduce.constprop.0": DATABASE,
    "sqlite3BtreeInsert": DATABASE,
    "balance_nonroot": DATABASE,
    "pagerOpenWalIfPresent": DATABASE,
    "pcache1Fetch": DATABASE,
    "unixWrite": DATABASE,
    "rusqlite::statement::Statement::execute": DATABASE,
    "std::process::Command::spawn": TOOLS,
    "std::sys::process::unix::unix::<impl std::sys::process::unix::common::Command>::spawn": TOOLS,
    "std::sys::pal::unix::process::process_common::Command::capture_env": TOOLS,
    "<std::process::ChildStdin as std::io::Write>::write_all": TOOLS,
    "<std::process::ChildStdout as std::io::Read>::read": TOOLS,
    "std::sys::pal::unix::pipe::AnonPipe::read": TOOLS,
    "tokio::process::imp::orphan::OrphanQueueImpl<T>::reap_orphans": TOOLS,
    "<tokio::process::ChildStdout as tokio::io::async_read::AsyncRead>::poll_read": TOOLS,
    "__posix_spawn": TOOLS,
    "__spawni_child": TOOLS,
    "__libc_fork": TOOLS,
    "__wait4": TOOLS,
    "waitid": TOOLS,
    "__clone3": TOOLS,
    "execvpe": TOOLS,
    "reqwest::async_impl::client::Client::execute_request": NETWORK,
    "hyper::proto::h1::conn::Conn<I,B,T>::poll_read_head": NETWORK,
    "<hyper_util::client::legacy::connect::http::HttpConnector<R> as tower_service::Service>::call": NETWORK,
    "<hyper_rustls::connector::HttpsConnector<T> as tower_service::Service>::call": NETWORK,
    "h2::codec::framed_read::FramedRead<T>::decode_frame": NETWORK,
    "httparse::core_parse::parse_headers_iter": NETWORK,
    "rustls::conn::ConnectionCommon<Data>::process_new_packets": NETWORK,
    "tokio_rustls::common::Stream<IO,C>::write_io": NETWORK,
    "tungstenite::protocol::frame::FrameCodec::read_frame": NETWORK,
    "nostr::event::Event::verify": NETWORK,
    "nostr_sdk::relay::Relay::connect": NETWORK,
    "tokio::net::tcp::stream::TcpStream::connect": NETWORK,
    "std::sys::net::connection::socket::Socket::new": NETWORK,
    "tokio::runtime::scheduler::multi_thread::worker::Context::run": OTHER,
    "std::io::buffered::bufreader::BufReader<R>::fill_buf": OTHER,
    "autopilot::run::converse": OTHER,
}


@pytest.mark.parametrize(("symbol", "group"), [*HOT_IN_ANALYZE.items(), *HOT_IN_RUN.items()])
def test_groups__typical_hot_function(symbol: str, group: str | None) -> None:
    assert group_of(symbol) == group


@pytest.mark.parametrize("name", ["[kernel]", "_copy_to_iter", "[total]", "libc.so.6"])
def test_groups__hold_nothing_of_the_kernel_and_no_row_of_another_kind(name: str) -> None:
    assert group_of(name) is OTHER
