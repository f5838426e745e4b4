//! What the loader looks at, in which order, and whom it trusts: every rule with files that keep and that break it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cage;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use cage::{Cage, driver_file, sha256};
use netabase_core::driver::{Driver as _, ErrorKind};
use netabase_core::error::NetabaseError;
use netabase_core::loader::{self, Candidate, Level, Place, PlaceState, SearchPath};

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(result: Result<T, NetabaseError>, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverRejected, "{error}");
    for part in parts {
        assert!(
            error.to_string().contains(part),
            "{part:?} is not in: {error}"
        );
    }
}

/// Rejected for a lack of trust, and loaded by whoever asks for no checks.
#[track_caller]
fn assert_untrusted(search: SearchPath, parts: &[&str]) {
    assert_rejected(loader::load("good", &search), parts);
    loader::load("good", &search.without_trust_checks()).unwrap();
}

#[test]
fn a_library_that_only_its_user_may_write_is_loaded() {
    let cage = Cage::of("good");
    let driver = loader::load("good", &cage.search()).unwrap();
    let by_path = loader::load_path(cage.path(&driver_file("good"))).unwrap();
    assert_eq!(driver, by_path);
}

/// Where the system reads a part of a path as a word of its own, it would find another file than the one that was checked.
#[cfg(target_os = "linux")]
#[test]
fn a_file_is_loaded_by_what_it_is_and_not_by_its_path() {
    let cage = Cage::new();
    for word in ["$ORIGIN", "${ORIGIN}", "$LIB", "$PLATFORM"] {
        let directory = cage.add_directory(word);
        cage.add_library(&format!("{word}/{}", driver_file("good")));
        let search = SearchPath::none().with_directory(directory);
        let driver = loader::load("good", &search).unwrap();
        assert_eq!(driver, loader::load("good", &search).unwrap());
        assert_eq!(driver.manifest().version, "1.2.3");
    }
}

#[test]
fn one_library_loaded_twice_is_one_driver_whatever_leads_to_it() {
    let cage = Cage::of("good");
    let library = cage.path(&driver_file("good"));
    let elsewhere = Cage::new();
    elsewhere.add_manifest("good", "copy", &sha256(&library));
    fs::hard_link(&library, elsewhere.path("copy")).unwrap();
    let first = loader::load("good", &cage.search()).unwrap();
    assert_eq!(first, loader::load("good", &cage.search()).unwrap());
    assert_eq!(first, loader::load("good", &elsewhere.search()).unwrap());
    assert_eq!(first, loader::load_path(&library).unwrap());
    assert_ne!(
        first,
        loader::load("good", &Cage::of("good").search()).unwrap()
    );
}

#[test]
fn a_file_that_replaced_a_loaded_one_is_rejected() {
    let cage = Cage::of("good");
    loader::load("good", &cage.search()).unwrap();
    cage.add_library("new");
    fs::rename(cage.path("new"), cage.path(&driver_file("good"))).unwrap();
    assert_rejected(
        loader::load("good", &cage.search()),
        &["was replaced", "start the program again"],
    );
}

#[test]
fn a_loaded_file_that_was_written_to_in_place_is_rejected() {
    let cage = Cage::of("good");
    let path = cage.path(&driver_file("good"));
    loader::load("good", &cage.search()).unwrap();
    let parts = ["was written to", "start the program again", "renaming"];
    // As an installation in place does it, but none of the bytes that this process still runs.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[0; 16]).unwrap();
    assert_rejected(loader::load("good", &cage.search()), &parts);
    assert_rejected(loader::load_path(&path), &parts);

    // Of the same length and, as `cp -p` has it, of the same time.
    let cage = Cage::new();
    let library = cage.add_library("x");
    let modified = fs::metadata(&library).unwrap().modified().unwrap();
    let load = || {
        cage.add_manifest("good", "x", &sha256(&library));
        loader::load("good", &cage.search())
    };
    load().unwrap();
    let mut bytes = fs::read(&library).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let mut file = fs::OpenOptions::new().write(true).open(&library).unwrap();
    file.write_all(&bytes).unwrap();
    file.set_modified(modified).unwrap();
    assert_rejected(load(), &parts);
}

#[cfg(unix)]
mod permissions {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        for (mode, who) in [
            (0o646, "everyone"),
            (0o666, "everyone"),
            (0o664, "the group"),
        ] {
            let cage = Cage::of("good");
            let file = driver_file("good");
            cage.mode(&file, mode);
            let path = cage.path(&file);
            let parts = [who, "chmod g", path.to_str().unwrap()];
            assert_untrusted(cage.search(), &parts);
            assert_rejected(loader::load_path(&path), &parts);
            loader::load_trusted_path(&path).unwrap();
        }
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        for (mode, who) in [
            (0o757, "everyone"),
            (0o777, "everyone"),
            (0o1777, "everyone"),
            (0o775, "the group"),
            (0o1775, "the group"),
        ] {
            let cage = Cage::of("good");
            cage.mode("", mode);
            let directory = cage.path("");
            let parts = [who, "chmod g", directory.to_str().unwrap()];
            assert_untrusted(cage.search(), &parts);
            let path = cage.path(&driver_file("good"));
            assert_rejected(loader::load_path(&path), &parts);
            loader::load_trusted_path(&path).unwrap();
        }
    }

    #[test]
    fn a_parent_that_others_may_write_is_refused_unless_it_is_sticky() {
        let cage = Cage::new();
        let directory = cage.add_directory("drivers");
        cage.add_library(&format!("drivers/{}", driver_file("good")));
        let search = SearchPath::none().with_directory(directory);
        cage.mode("", 0o777);
        assert_untrusted(
            search.clone(),
            &["everyone", cage.path("").to_str().unwrap()],
        );
        cage.mode("", 0o775);
        assert_untrusted(search.clone(), &["the group"]);
        cage.mode("", 0o1777);
        loader::load("good", &search).unwrap();
    }

    #[test]
    fn a_link_out_of_a_directory_is_refused() {
        let (cage, outside) = (Cage::new(), Cage::of("good"));
        let (file, target) = (driver_file("good"), outside.path(&driver_file("good")));
        symlink(&target, cage.path(&file)).unwrap();
        let parts = ["is a link to", target.to_str().unwrap(), "outside of"];
        assert_untrusted(cage.search(), &parts);
        // A path that the caller gives may lead anywhere that is trusted.
        loader::load_path(cage.path(&file)).unwrap();
        outside.mode("", 0o777);
        assert_rejected(loader::load_path(cage.path(&file)), &["everyone"]);
    }

    #[test]
    fn a_relative_link_out_of_a_directory_is_refused() {
        let cage = Cage::of("good");
        let (file, inner) = (driver_file("good"), cage.add_directory("inner"));
        let search = SearchPath::none().with_directory(&inner);
        symlink(Path::new("..").join(&file), inner.join(&file)).unwrap();
        assert_untrusted(search.clone(), &["is a link to ..", "outside of"]);
        fs::remove_file(inner.join(&file)).unwrap();
        // Out and in again.
        cage.add_library("inner/real");
        symlink("../inner/real", inner.join(&file)).unwrap();
        assert_untrusted(search, &["outside of"]);
    }

    #[test]
    fn links_that_leave_together_are_refused() {
        let cage = Cage::of("good");
        let (file, inner) = (driver_file("good"), cage.add_directory("inner"));
        cage.add_directory("inner/p");
        cage.add_directory("inner/q");
        let search = SearchPath::none().with_directory(&inner);
        symlink("../q", inner.join("p/sub")).unwrap();
        // By its text inner/p/sub/../../x is inner/x; by way of the link it lies above.
        symlink(Path::new("p/sub/../..").join(&file), inner.join(&file)).unwrap();
        assert_untrusted(search, &["outside of"]);
    }

    #[test]
    fn a_link_within_a_directory_is_followed() {
        let cage = Cage::new();
        cage.add_directory("versions");
        let real = cage.add_library("versions/1.so");
        symlink("versions/1.so", cage.path("current")).unwrap();
        symlink(cage.path("current"), cage.path(&driver_file("good"))).unwrap();
        let driver = loader::load("good", &cage.search()).unwrap();
        assert_eq!(driver.manifest().name, "good");
        // Each step counts.
        cage.mode("versions", 0o777);
        assert_untrusted(cage.search(), &["everyone", "versions"]);
        cage.mode("versions", 0o1777);
        assert_untrusted(cage.search(), &["everyone", "versions"]);
        cage.mode("versions", 0o755);
        cage.mode("versions/1.so", 0o666);
        assert_untrusted(cage.search(), &["everyone", real.to_str().unwrap()]);
    }

    #[test]
    fn a_link_to_a_directory_is_followed_and_each_step_is_checked() {
        let (cage, links, other) = (Cage::of("good"), Cage::new(), Cage::new());
        symlink(cage.path(""), other.path("drivers")).unwrap();
        symlink(other.path("drivers"), links.path("drivers")).unwrap();
        let search = SearchPath::none().with_directory(links.path("drivers"));
        loader::load("good", &search).unwrap();
        for place in [&cage, &links, &other] {
            place.mode("", 0o777);
            assert_untrusted(
                search.clone(),
                &["everyone", place.path("").to_str().unwrap()],
            );
            place.mode("", 0o755);
        }
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let cage = Cage::new();
        let file = driver_file("good");
        symlink("other", cage.path(&file)).unwrap();
        symlink(&file, cage.path("other")).unwrap();
        for search in [cage.search(), cage.search().without_trust_checks()] {
            assert_rejected(loader::load("good", &search), &["link"]);
        }
    }

    #[test]
    fn a_link_to_nowhere_is_rejected() {
        let cage = Cage::new();
        let file = driver_file("good");
        symlink("missing", cage.path(&file)).unwrap();
        for search in [cage.search(), cage.search().without_trust_checks()] {
            assert_rejected(
                loader::load("good", &search),
                &[&file, "a link to a file that is not there"],
            );
        }
        assert_rejected(loader::load_path(cage.path(&file)), &["not there"]);
    }

    #[test]
    fn a_manifest_and_its_library_are_held_to_the_same() {
        let cage = Cage::new();
        cage.add_directory("lib");
        let sum = sha256(&cage.add_library("lib/x"));
        cage.add_manifest("good", "lib/x", &sum);
        loader::load("good", &cage.search()).unwrap();
        for (file, right, wrong) in [
            ("good.toml", 0o644, 0o664),
            ("lib/x", 0o644, 0o646),
            ("lib", 0o755, 0o775),
            ("lib", 0o755, 0o1777),
            ("", 0o755, 0o777),
        ] {
            cage.mode(file, wrong);
            assert_untrusted(
                cage.search(),
                &["may write to", cage.path(file).to_str().unwrap()],
            );
            cage.mode(file, right);
        }
    }

    #[test]
    fn a_manifest_that_leads_out_by_a_link_is_refused() {
        let (cage, outside) = (Cage::new(), Cage::new());
        let library = outside.add_library("x");
        symlink(&library, cage.path("x")).unwrap();
        cage.add_manifest("good", "x", &sha256(&library));
        assert_untrusted(cage.search(), &["is a link to", "outside of"]);
        symlink(outside.path(""), cage.path("folder")).unwrap();
        cage.add_manifest("good", "folder/x", &sha256(&library));
        assert_untrusted(cage.search(), &["is a link to", "outside of"]);
    }

    #[test]
    fn a_pipe_is_rejected_and_not_waited_for() {
        let cage = Cage::new();
        let pipe = cage.path(&driver_file("pipe"));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert_rejected(
            loader::load("pipe", &cage.search()),
            &["not a regular file"],
        );
    }

    #[test]
    fn a_refused_directory_without_the_driver_is_no_rejection() {
        let cage = Cage::new();
        cage.mode("", 0o777);
        let error = loader::load("good", &cage.search()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DriverNotFound);
    }

    #[test]
    fn a_refused_place_does_not_end_the_search_and_is_listed_with_its_reason() {
        let (bad, good) = (Cage::of("good"), Cage::of("good"));
        bad.mode("", 0o777);
        let search = bad.search().with_directory(good.path(""));
        let driver = loader::load("good", &search).unwrap();
        assert_eq!(driver, loader::load("good", &good.search()).unwrap());
        let places = loader::list(&search);
        let [refused, searched] = &places[..] else {
            panic!("{places:?}")
        };
        let PlaceState::Refused(reason) = &refused.state else {
            panic!("{refused:?}")
        };
        assert!(reason.message().contains("chmod go-w"), "{reason}");
        let [candidate] = &refused.candidates[..] else {
            panic!("{refused:?}")
        };
        assert_eq!(candidate.path, bad.path(&driver_file("good")));
        let error = candidate.driver.as_ref().unwrap_err();
        assert!(error.message().contains("chmod go-w"), "{error}");
        assert!(matches!(searched.state, PlaceState::Searched));
        assert_eq!(searched.candidates[0].driver.as_ref().unwrap(), &driver);
    }
}

#[test]
fn a_manifest_stands_for_the_library() {
    let cage = Cage::new();
    cage.add_directory("lib");
    let library = cage.add_library("lib/any-name");
    let manifest = cage.add_manifest("good", "lib/any-name", &sha256(&library));
    let driver = loader::load("good", &cage.search()).unwrap();
    assert_eq!(driver, loader::load_path(manifest).unwrap());
    // The name of the symbol is that of the manifest.
    cage.add_manifest("bad-nobody", "lib/any-name", &sha256(&library));
    assert_rejected(
        loader::load("bad-nobody", &cage.search()),
        &[
            "bad-nobody.toml",
            "lib/any-name",
            "no symbol `netabase_driver_bad_nobody`",
        ],
    );
}

#[test]
fn a_library_with_another_sum_is_rejected_even_where_it_has_the_drivers_own_name() {
    let cage = Cage::of("good");
    let file = driver_file("good");
    let sum = sha256(&cage.path(&file));
    let wrong = sum.chars().rev().collect::<String>();
    cage.add_manifest("good", &file, &wrong);
    for search in [cage.search(), cage.search().without_trust_checks()] {
        assert_rejected(
            loader::load("good", &search),
            &["good.toml", "SHA-256", &sum, &wrong, "install"],
        );
    }
    // Loaded before or not, the sum counts.
    cage.add_manifest("good", &file, &sum);
    loader::load("good", &cage.search()).unwrap();
    cage.add_manifest("good", &file, &wrong);
    assert_rejected(loader::load("good", &cage.search()), &["SHA-256"]);
}

#[test]
fn a_manifest_with_a_defect_is_rejected_with_the_line_and_what_is_known() {
    let cage = Cage::of("good");
    let sum = sha256(&cage.path(&driver_file("good")));
    cage.write(
        "good.toml",
        format!("netabase-driver = 1\n[library.linux-x86_64]\npath = \"x\"\nsha256 = \"{sum}\"\nsize = 3\n"),
    );
    assert_rejected(
        loader::load("good", &cage.search()),
        &["good.toml", "line 5", "`size`", "`path`", "`sha256`"],
    );
    cage.write("good.toml", vec![b'#'; 100_000]);
    assert_rejected(
        loader::load("good", &cage.search()),
        &["larger than 65536 bytes"],
    );
    cage.write("good.toml", "");
    assert_rejected(
        loader::load("good", &cage.search()),
        &["good.toml", "empty"],
    );
}

#[test]
fn a_manifest_cannot_point_outside_of_its_directory() {
    let cage = Cage::of("good");
    let file = driver_file("good");
    let sum = sha256(&cage.path(&file));
    let inner = cage.add_directory("inner");
    let search = SearchPath::none().with_directory(&inner);
    let absolute = cage.path(&file);
    for path in [&format!("../{file}"), absolute.to_str().unwrap()] {
        let manifest = cage.add_manifest("good", path, &sum);
        fs::rename(manifest, inner.join("good.toml")).unwrap();
        for search in [search.clone(), search.clone().without_trust_checks()] {
            assert_rejected(
                loader::load("good", &search),
                &["line 4", "the manifest's own directory"],
            );
        }
    }
}

#[test]
fn a_manifest_for_other_platforms_is_rejected_with_their_names() {
    let cage = Cage::new();
    let sum = sha256(&cage.add_library("x"));
    cage.write(
        "good.toml",
        format!("netabase-driver = 1\n[library.plan9-mips]\npath = \"x\"\nsha256 = \"{sum}\"\n"),
    );
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    assert_rejected(
        loader::load("good", &cage.search()),
        &["plan9-mips", &platform],
    );
}

#[test]
fn a_manifest_of_a_library_that_is_not_there_is_rejected() {
    let cage = Cage::new();
    cage.add_manifest("good", "lib/x", &"0".repeat(64));
    assert_rejected(
        loader::load("good", &cage.search()),
        &["good.toml", "lib/x", "there is no such file"],
    );
    cage.add_directory("lib");
    cage.add_directory("lib/x");
    assert_rejected(loader::load("good", &cage.search()), &["it is a directory"]);
}

#[test]
fn a_library_for_another_platform_is_rejected() {
    let cage = Cage::new();
    let file = driver_file("good");
    let mut other = b"MZ".to_vec();
    other.resize(0x3C, 0);
    other.extend(0x80_u32.to_le_bytes());
    other.resize(0x80, 0);
    other.extend(b"PE\0\0\x64\x86");
    let (other, platform) = if cfg!(windows) {
        (
            b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0".to_vec(),
            "ELF",
        )
    } else {
        (other, "Windows")
    };
    cage.write(&file, other);
    assert_rejected(
        loader::load("good", &cage.search()),
        &[&file, platform, "build it for this platform"],
    );
    if cfg!(target_os = "linux") {
        let mut other = fs::read(cage::library()).unwrap();
        let machine = [if other[18] == 62 { 183 } else { 62 }, 0];
        other[18..20].copy_from_slice(&machine);
        cage.write(&file, other);
        assert_rejected(
            loader::load("good", &cage.search()),
            &[&file, "for the processor", std::env::consts::ARCH],
        );
    }
}

#[test]
fn a_name_is_never_a_path() {
    let cage = Cage::of("good");
    cage.add_directory("inner");
    let search = SearchPath::none().with_directory(cage.path("inner"));
    for name in ["../good", "..", "inner/../good", "bad_good", "Zoo"] {
        let error = loader::load(name, &search).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
        assert!(error.to_string().contains("load_path"), "{error}");
    }
}

#[test]
fn the_list_has_every_place_and_every_candidate() {
    let (first, second) = (Cage::of("good"), Cage::new());
    first.write(&driver_file("damaged"), "no library");
    first.write("other.toml", "edition = 3");
    second.add_directory("lib");
    let sum = sha256(&second.add_library("lib/x"));
    second.add_manifest("bad-plain", "lib/x", &sum);
    second.add_library(&driver_file("bad-plain"));
    second.write("bad-newer-minor.toml", "netabase-driver = 'x'");
    let search = first
        .search()
        .with_directory(second.path(""))
        .with_directory(second.path("missing"));
    let places = loader::list(&search);
    let [one, two, three] = &places[..] else {
        panic!("{places:?}")
    };
    assert!(places.iter().all(|place| place.level == Level::Given));
    assert_eq!(one.directory, first.path(""));
    assert!(matches!(one.state, PlaceState::Searched));
    assert!(matches!(three.state, PlaceState::Missing));
    assert!(three.candidates.is_empty());

    let files = |place: &Place| {
        place
            .candidates
            .iter()
            .map(|candidate| (candidate.name.clone(), candidate.path.clone()))
            .collect::<Vec<_>>()
    };
    let damaged = ("damaged".to_owned(), first.path(&driver_file("damaged")));
    let good = ("good".to_owned(), first.path(&driver_file("good")));
    assert_eq!(files(one), [damaged, good]);
    let newer = (
        "bad-newer-minor".to_owned(),
        second.path("bad-newer-minor.toml"),
    );
    let plain = ("bad-plain".to_owned(), second.path("bad-plain.toml"));
    let passed_over = (
        "bad-plain".to_owned(),
        second.path(&driver_file("bad-plain")),
    );
    assert_eq!(files(two), [newer, plain, passed_over]);

    let refused = |candidate: &Candidate, part: &str| {
        let error = candidate.driver.as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DriverRejected);
        assert_eq!(error.driver(), Some(&*candidate.name));
        assert!(error.message().contains(part), "{error}");
    };
    refused(&one.candidates[0], "not a library that can be loaded");
    let driver = one.candidates[1].driver.as_ref().unwrap();
    assert_eq!(driver.manifest().version, "1.2.3");
    assert!(driver.manifest().offers("tree_names"));
    assert_eq!(driver.abi_version(), (1, 0));
    assert_eq!(*driver, loader::load("good", &search).unwrap());
    refused(&two.candidates[0], "line 1");
    assert_eq!(two.candidates[1].library, Some(second.path("lib/x")));
    let driver = two.candidates[1].driver.as_ref().unwrap();
    assert_eq!(*driver, loader::load("bad-plain", &search).unwrap());
    refused(&two.candidates[2], "bad-plain.toml");
    assert_eq!(
        search.driver_names(),
        ["bad-newer-minor", "bad-plain", "damaged", "good"]
    );
}
