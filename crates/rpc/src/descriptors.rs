//! Reading the compiled proto descriptors: which RPCs there are, and which files are public.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// The part of a package's name that keeps it off the public listener.
const INTERNAL: &str = ".internal.";

/// The shape of one RPC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamKinds {
    pub(crate) client_streams: bool,
    pub(crate) server_streams: bool,
}

/// Every RPC of the descriptors: path `/package.Service/Method` to (package, shape).
pub(crate) fn methods(descriptors: &FileDescriptorSet) -> BTreeMap<String, (String, StreamKinds)> {
    let mut found = BTreeMap::new();
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                let shape = StreamKinds {
                    client_streams: method.client_streaming(),
                    server_streams: method.server_streaming(),
                };
                found.insert(path, (file.package().to_owned(), shape));
            }
        }
    }
    found
}

/// Every service's full name, with its package.
pub(crate) fn services(descriptors: &FileDescriptorSet) -> Vec<(String, String)> {
    let of_file = |file: &FileDescriptorProto| {
        let package = file.package().to_owned();
        let names = file.service.iter().map(|service| format!("{package}.{}", service.name()));
        names.map(|name| (name, package.clone())).collect::<Vec<_>>()
    };
    descriptors.file.iter().flat_map(of_file).collect()
}

/// Whether this package or path belongs to the internal listener.
pub(crate) fn is_internal(name: &str) -> bool {
    name.contains(INTERNAL)
}

/// The files that contain the public services, and all their imports; nothing internal, no events.
pub(crate) fn public(descriptors: &FileDescriptorSet) -> FileDescriptorSet {
    let by_name: BTreeMap<&str, &FileDescriptorProto> =
        descriptors.file.iter().map(|file| (file.name(), file)).collect();
    let mut wanted: Vec<&str> = descriptors
        .file
        .iter()
        .filter(|file| !file.service.is_empty() && !is_internal(file.package()))
        .map(FileDescriptorProto::name)
        .collect();
    let mut kept = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if kept.insert(name)
            && let Some(file) = by_name.get(name)
        {
            wanted.extend(file.dependency.iter().map(String::as_str));
        }
    }
    let file = descriptors.file.iter().filter(|file| kept.contains(file.name())).cloned().collect();
    FileDescriptorSet { file }
}
