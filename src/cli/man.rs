//! `hpcsh man`

use std::io;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// What `hpcsh man` is asked for.
#[derive(Clone, Debug)]
pub struct ManArguments {
    /// Where all pages go; `None`: the first one is printed.
    pub dir: Option<PathBuf>,
}

/// A page of the manual.
pub struct Page {
    /// `hpcsh-config.1`
    pub name: String,
    /// roff.
    pub text: Vec<u8>,
}

const EXAMPLES: &str = "\
Examples:
  hpcsh man | man -l -                       read it
  hpcsh man --dir ~/.local/share/man/man1    and `man hpcsh-config` finds its page";

pub(super) fn command() -> Command {
    Command::new("man").about("Print the manual page, or write all of them").defer(|command| {
        command.after_help(EXAMPLES).arg(
            Arg::new("dir")
                .long("dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("Write a page for each command into this directory"),
        )
    })
}

pub(super) fn read(matches: &mut ArgMatches) -> ManArguments {
    ManArguments { dir: matches.remove_one("dir") }
}

impl ManArguments {
    /// The pages, that of `hpcsh` itself first.
    ///
    /// # Errors
    /// None that a buffer in memory could have.
    pub fn pages() -> io::Result<Vec<Page>> {
        let mut whole = super::command();
        whole.build();
        let mut pages = Vec::new();
        add(&whole, &mut pages)?;
        Ok(pages)
    }
}

/// The page of a built command, then those of the commands below it.
fn add(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let man = Man::new(command.clone()).source(concat!("hpcsh ", env!("CARGO_PKG_VERSION"))).manual("hpcsh");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(examples) = command.get_after_help() {
        // Line by line, where clap_mangen would fill a paragraph with them.
        let mut section = Roff::default();
        section.control("SH", ["EXAMPLES"]).control("nf", []);
        let examples = examples.to_string();
        for line in examples.lines().filter(|line| *line != "Examples:") {
            section.text([roman(line)]);
        }
        section.control("fi", []).to_writer(&mut text)?;
    }
    pages.push(Page { name: man.get_filename(), text });
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| add(below, pages))
}
