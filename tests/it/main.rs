//! The tests that run the program, and the shells, for real. One binary; `tests/run` installs what it needs.
//!
//! Each test states the whole outcome: both streams and the status. What cannot run here (no root, a shell that is not
//! installed) says so through `support::skip`, and `HPCSH_TESTS_STRICT=1`, which `tests/run` sets, makes that a failure.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // tests are outside the host door

mod airgap;
mod catalogue;
mod completion;
mod config;
mod dns_clients;
mod dns_exec;
mod dns_export;
mod dns_forward;
mod dns_policy;
mod dns_server;
mod dns_takeover;
mod doctor;
mod early;
mod entering;
mod environments;
mod failfast;
mod fish;
mod floors;
mod forks;
mod habits;
mod hf;
mod hung;
mod hung_login;
mod install;
mod lint;
mod local_first;
mod network;
mod node;
mod node_first;
mod node_places;
mod node_prompt;
mod old_shells;
mod options;
mod pace;
mod quoting;
mod schema;
mod shared;
mod shells;
mod slow;
mod storage;
mod support;
mod terminal;
mod trust;
mod variables;
mod waiting;
