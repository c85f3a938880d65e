//! What there is, and what holds, as operators see it.

use settings::{explain, resolved, table, template};

use crate::{Told, all, file};

#[test]
fn every_setting_is_explained() {
    let explained = explain(&all());
    for setting in all() {
        for word in [setting.key, &setting.variable(), setting.about] {
            assert!(explained.contains(word), "{word}");
        }
    }
    // Columns are as wide as their longest names, which are those of sandbox.enabled.
    let shelves = "  shop.shelves     ENTREPOT_SHOP_SHELVES     --shelves COUNT\n      How many it has.\n      \
                   Allowed: 1 to 9 shelves. Default: 2.\n";
    assert!(explained.contains(shelves), "{explained}");
    assert!(explained.contains("Default: none. In a sandbox hub only.\n"), "{explained}");
    assert!(explained.contains("A secret: safe_file names its file.\n"), "{explained}");
}

/// With every line that has a default as it would be without its `#`.
#[test]
fn the_template_says_the_defaults() {
    let text = template(&all());
    assert!(Told::file(&text).resolve().is_ok());
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') && !setting.contains("_file = ") => setting,
        _ => line,
    });
    let filled = lines.collect::<Vec<_>>().join("\n");
    let (told, defaults) = (Told::file(&filled).resolve().unwrap(), Told::default().resolve().unwrap());
    for (told, default) in told.iter().zip(defaults.iter()).filter(|(told, _)| told.setting.default.is_some())
    {
        assert!(
            matches!(told.origin, settings::Origin::File { .. }),
            "{} is not in the template",
            told.setting.key
        );
        assert_eq!(told.value, default.value, "{}", told.setting.key);
    }
}

#[test]
fn what_holds_is_shown_with_where_it_is_from_but_no_secret() {
    let (_folder, path) = file("s3cret\n");
    let variables = [
        ("ENTREPOT_SHOP_SAFE_FILE", path.as_str()),
        ("ENTREPOT_SHOP_TILLS", "s3cret"),
        ("ENTREPOT_SHOP_BRANCHES", "postgres://a:s3cret@b,north"),
    ];
    let told = Told::file("\nname = 'corner'\n").variables(&variables).flag("shop.shelves", &["5"]);
    let shown = resolved(&told.resolve().unwrap());
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert!(shown.contains("\nsandbox.enabled  true "), "{shown}");
    assert!(line("name").ends_with("shop.toml, line 2"), "{shown}");
    assert_eq!(line("shop.shelves"), "5 --shelves");
    assert_eq!(line("shop.safe"), "******** ENTREPOT_SHOP_SAFE_FILE");
    assert_eq!(line("shop.tills"), "******** ENTREPOT_SHOP_TILLS");
    assert_eq!(line("sandbox.seed"), "none default");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn the_table_has_a_row_for_each() {
    let table = table(&all());
    assert_eq!(table.lines().count(), all().len() + 2);
    assert!(
        table.contains("| `shop.shelves` | `--shelves COUNT` | `2` | 1 to 9 shelves | How many it has. |\n")
    );
}
