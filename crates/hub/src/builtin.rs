//! The profiles that come with the program.

/// Code, file name and text of each.
pub const BUILTIN: [(&str, &str, &str); 4] = [
    ("id", "hubs/id.toml", include_str!("../../../hubs/id.toml")),
    ("my", "hubs/my.toml", include_str!("../../../hubs/my.toml")),
    ("sg", "hubs/sg.toml", include_str!("../../../hubs/sg.toml")),
    ("th", "hubs/th.toml", include_str!("../../../hubs/th.toml")),
];

/// File name and text of the profile with this code.
pub fn builtin(code: &str) -> Option<(&'static str, &'static str)> {
    BUILTIN.iter().find(|(known, _, _)| *known == code).map(|(_, file, text)| (*file, *text))
}
