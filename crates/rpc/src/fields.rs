//! The fields of a message, counted while it comes in. Two bytes may be an empty part that takes hundreds once it is
//! decoded: so what a message may have is bounded by its fields too, and what it holds is more than its bytes.

use std::collections::HashMap;
use std::sync::Arc;

use prost_types::{DescriptorProto, FileDescriptorSet};
use tonic::{Code, Status};

use crate::status;

/// Fields of a message from outside, with those of all messages within it. The largest that a service takes, a product
/// with 100 variants or a quote with 500 lines and their permits, has 3,500.
const FIELDS_MAX: usize = 5_000;
/// What a field takes, beside its bytes, once it is decoded.
const FIELD_BYTES: usize = 32;
/// And a message within another.
const PART_BYTES: usize = 512;
/// How many messages may be within one another, as prost has it.
const DEPTH_MAX: usize = 100;
/// Bytes of the longest varint.
const VARINT_BYTES_MAX: u32 = 10;

/// The kinds of fields on the wire, in the lowest bits of their keys.
const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const DELIMITED: u64 = 2;
const FOUR_BYTES: u64 = 5;

/// Which fields of which messages are messages: by its place in `messages` each has those by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    messages: Vec<HashMap<u64, usize>>,
    /// What each RPC takes.
    inputs: HashMap<String, usize>,
}

impl Schema {
    pub(crate) fn of(descriptors: &FileDescriptorSet) -> Self {
        let mut found = Vec::new();
        for file in &descriptors.file {
            for message in &file.message_type {
                collect(&format!(".{}", file.package()), message, &mut found);
            }
        }
        let places: HashMap<&str, usize> =
            found.iter().enumerate().map(|(place, (name, _))| (name.as_str(), place)).collect();
        let parts = |message: &DescriptorProto| {
            let parts = message.field.iter().filter_map(|field| {
                Some((u64::try_from(field.number()).ok()?, *places.get(field.type_name())?))
            });
            parts.collect()
        };
        let messages = found.iter().map(|(_, message)| parts(message)).collect();
        let mut inputs = HashMap::new();
        for file in &descriptors.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    inputs.extend(places.get(method.input_type()).map(|place| (path, *place)));
                }
            }
        }
        Self { messages, inputs }
    }

    /// Counts the fields of what `path` takes; `None` where no such RPC is declared.
    pub(crate) fn fields(self: &Arc<Self>, path: &str) -> Option<Fields> {
        let input = *self.inputs.get(path)?;
        Some(Fields {
            schema: self.clone(),
            input,
            open: Vec::new(),
            at: 0,
            next: Next::Key(Varint::default()),
            fields: 0,
            bytes: 0,
        })
    }
}

fn collect<'a>(of: &str, message: &'a DescriptorProto, found: &mut Vec<(String, &'a DescriptorProto)>) {
    let name = format!("{of}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, found);
    }
    found.push((name, message));
}

/// A number of variable length that is coming in.
#[derive(Clone, Copy, Debug, Default)]
struct Varint {
    value: u64,
    bytes: u32,
}

impl Varint {
    /// The number, once its last byte is there.
    fn push(&mut self, byte: u8) -> Result<Option<u64>, Status> {
        if self.bytes == VARINT_BYTES_MAX {
            return Err(malformed("a number is too long"));
        }
        self.value |= u64::from(byte & 0x7f) << (7 * self.bytes);
        self.bytes += 1;
        Ok((byte & 0x80 == 0).then_some(self.value))
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Key(Varint),
    Number(Varint),
    /// The length of a field, which is a message when its place is known.
    Length(Option<usize>, Varint),
    Skip(usize),
}

/// A message that is open.
#[derive(Debug)]
struct Open {
    message: usize,
    end: usize,
}

/// Counts the fields of one message after the other.
#[derive(Debug)]
pub(crate) struct Fields {
    schema: Arc<Schema>,
    input: usize,
    /// The message that is coming in, and those within it that are not at their end.
    open: Vec<Open>,
    at: usize,
    next: Next,
    fields: usize,
    bytes: usize,
}

impl Fields {
    /// A message of so many bytes comes in.
    pub(crate) fn begin(&mut self, length: usize) {
        self.open = vec![Open { message: self.input, end: length }];
        (self.at, self.fields, self.bytes) = (0, 0, 0);
        self.next = Next::Key(Varint::default());
    }

    /// What it takes, beside its bytes, once it is decoded.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next bytes of it, or what is wrong with them.
    pub(crate) fn read(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while let Some((byte, rest)) = data.split_first() {
            match self.next {
                Next::Skip(left) => {
                    let taken = left.min(data.len());
                    self.at += taken;
                    data = &data[taken..];
                    self.skip(left - taken);
                }
                _ => {
                    self.at += 1;
                    data = rest;
                    self.take(*byte)?;
                }
            }
            self.close()?;
        }
        Ok(())
    }

    fn take(&mut self, byte: u8) -> Result<(), Status> {
        match &mut self.next {
            Next::Key(varint) => {
                if let Some(key) = varint.push(byte)? {
                    self.field(key)?;
                }
            }
            Next::Number(varint) => {
                if varint.push(byte)?.is_some() {
                    self.skip(0);
                }
            }
            Next::Length(part, varint) => {
                let part = *part;
                if let Some(length) = varint.push(byte)? {
                    self.delimited(part, usize::try_from(length).unwrap_or(usize::MAX))?;
                }
            }
            Next::Skip(_) => {}
        }
        Ok(())
    }

    fn field(&mut self, key: u64) -> Result<(), Status> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(too_many());
        }
        self.bytes += FIELD_BYTES;
        let number = key >> 3;
        let known = self.open.last().and_then(|open| self.schema.messages.get(open.message));
        match key & 7 {
            _ if number == 0 => return Err(malformed("a field has the number 0")),
            VARINT => self.next = Next::Number(Varint::default()),
            EIGHT_BYTES => self.delimited(None, 8)?,
            FOUR_BYTES => self.delimited(None, 4)?,
            DELIMITED => {
                let part = known.and_then(|parts| parts.get(&number)).copied();
                self.next = Next::Length(part, Varint::default());
            }
            _ => return Err(malformed("a field has an unsupported wire type")),
        }
        Ok(())
    }

    fn delimited(&mut self, part: Option<usize>, length: usize) -> Result<(), Status> {
        let end = self.at.saturating_add(length);
        if self.open.last().is_none_or(|open| end > open.end) {
            return Err(malformed("a field is longer than the message that it is in"));
        }
        let Some(message) = part else {
            self.skip(length);
            return Ok(());
        };
        if self.open.len() == DEPTH_MAX {
            return Err(malformed("messages are nested too deeply"));
        }
        self.bytes += PART_BYTES;
        self.open.push(Open { message, end });
        self.skip(0);
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.next = if bytes == 0 { Next::Key(Varint::default()) } else { Next::Skip(bytes) };
    }

    /// Leaves the messages that are at their end.
    fn close(&mut self) -> Result<(), Status> {
        while self.open.last().is_some_and(|open| open.end == self.at) {
            if !matches!(self.next, Next::Key(Varint { bytes: 0, .. })) {
                return Err(malformed("a message ends in the middle of a field"));
            }
            self.open.pop();
        }
        Ok(())
    }
}

fn malformed(problem: &str) -> Status {
    let message = format!("the message is not valid for this call: {problem}");
    status::reject(Code::InvalidArgument, "MALFORMED_MESSAGE", message, &[])
}

fn too_many() -> Status {
    let message = format!(
        "a message may have at most {FIELDS_MAX} fields here, including those of nested messages; stream or page larger ones"
    );
    let most = FIELDS_MAX.to_string();
    status::reject(Code::InvalidArgument, "TOO_MANY_FIELDS", message, &[("fields_max", &most)])
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use proto::catalog::v1::{CreateProductRequest, Translation, VariantInput};
    use proto::order::v1::{CreateQuoteRequest, QuoteLine};
    use proto::types::v1::{Dimensions, Money, Permit};

    use super::*;

    const CREATE_PRODUCT: &str = "/entrepot.catalog.v1.ProductService/CreateProduct";
    const CREATE_QUOTE: &str = "/entrepot.order.v1.QuoteService/CreateQuote";

    fn schema() -> Arc<Schema> {
        let files = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        Arc::new(Schema::of(&files))
    }

    /// How many fields and bytes a message has that comes in pieces of `cut` bytes.
    fn count(path: &str, bytes: &[u8], cut: usize) -> Result<(usize, usize), Status> {
        let mut fields = schema().fields(path).unwrap();
        fields.begin(bytes.len());
        bytes.chunks(cut).try_for_each(|piece| fields.read(piece))?;
        assert!(fields.open.is_empty(), "it was read to its end");
        Ok((fields.fields, fields.bytes()))
    }

    fn why(refused: Result<(usize, usize), Status>) -> String {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        status::reason(&refused).unwrap()
    }

    fn quote() -> CreateQuoteRequest {
        let permit = Permit {
            number: "LPK-1".to_owned(),
            authority: "MCMC".to_owned(),
            expires_on: "2027-01-01".to_owned(),
        };
        let line = QuoteLine { variant_id: "v".repeat(34), quantity: 300, permit: Some(permit) };
        CreateQuoteRequest { lines: vec![line; 500], ..CreateQuoteRequest::default() }
    }

    #[test]
    fn the_largest_messages_that_are_taken_have_fewer_fields() {
        let (fields, bytes) = count(CREATE_QUOTE, &quote().encode_to_vec(), 1_000).unwrap();
        assert_eq!((fields, bytes), (3_500, 3_500 * FIELD_BYTES + 1_000 * PART_BYTES));
        let variant = VariantInput {
            sku: "S".repeat(64),
            name: "M".to_owned(),
            price: Some(Money { currency: "THB".to_owned(), minor_units: 10_000 }),
            hs_code: "691110".to_owned(),
            origin: "TH".to_owned(),
            weight_grams: 100,
            dimensions: Some(Dimensions { length_mm: 10, width_mm: 10, height_mm: 10 }),
            location_id: "l".repeat(34),
            initial_stock: 1,
            stock_units: 1,
            preference: "ATIGA".to_owned(),
            ..VariantInput::default()
        };
        let words =
            Translation { language: "en".to_owned(), title: "t".repeat(200), description: "d".repeat(4_000) };
        let product = CreateProductRequest {
            category: "home".to_owned(),
            translations: vec![words; 20],
            variants: vec![variant; 100],
            ..CreateProductRequest::default()
        };
        let bytes = product.encode_to_vec();
        let counted = count(CREATE_PRODUCT, &bytes, 16_384).unwrap();
        assert!(counted.0 < 3_500, "{counted:?}");
        assert_eq!(count(CREATE_PRODUCT, &bytes, 1).unwrap(), counted);
    }

    #[test]
    fn empty_parts_are_counted_wherever_they_are_and_however_they_are_cut() {
        let header = |parts: &[u8]| {
            let length = u8::try_from(parts.len() - 128).unwrap();
            [&[0x12, 0x80 | length, 0x01], parts].concat()
        };
        for cut in [1, 7, 16_384] {
            let many = [0x22, 0].repeat(FIELDS_MAX);
            let least = FIELDS_MAX * (FIELD_BYTES + PART_BYTES);
            assert_eq!(count(CREATE_PRODUCT, &many, cut).unwrap(), (FIELDS_MAX, least));
            for (path, part) in [
                (CREATE_PRODUCT, [0x22, 0]),
                ("/entrepot.catalog.v1.ProductService/ImportProducts", [0x1a, 0]),
                (CREATE_QUOTE, [0x12, 0]),
                ("/entrepot.order.v1.ReturnService/RequestReturn", [0x22, 0]),
                ("/entrepot.order.v1.OrderService/PlaceOrder", [0x32, 0]),
            ] {
                assert_eq!(why(count(path, &part.repeat(FIELDS_MAX + 1), cut)), "TOO_MANY_FIELDS", "{path}");
            }
            // Within parts.
            let within = header(&[0x0a, 0].repeat(100)).repeat(50);
            assert_eq!(why(count(CREATE_QUOTE, &within, cut)), "TOO_MANY_FIELDS");
        }
    }

    #[test]
    fn what_says_that_it_is_longer_than_it_is_cannot_hide_its_fields() {
        // prost reads a part to its own end, and not to that of the message that it is in.
        let hiding = [&[0x22, 2, 0x1a, 100][..], &[0; 100]].concat();
        for wrong in [
            hiding,
            vec![0x22, 0x80],
            vec![0x22, 1, 0x22],
            vec![0x23, 0x24],
            vec![0x27],
            vec![0x02, 0],
            vec![0xff; 11],
            vec![0x0d, 0, 0],
        ] {
            assert_eq!(why(count(CREATE_PRODUCT, &wrong, 1)), "MALFORMED_MESSAGE", "{wrong:?}");
            assert!(CreateProductRequest::decode(&wrong[..]).is_err() || wrong == [0x23, 0x24], "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_prost_reads_is_read_to_its_end(bytes in proptest::collection::vec(0u8..48, 0..40), cut in 1usize..9) {
            let is_read = CreateProductRequest::decode(&bytes[..]).is_ok();
            let has_groups = bytes.iter().any(|byte| matches!(byte & 7, 3 | 4));
            if is_read && !has_groups && !bytes.is_empty() {
                proptest::prop_assert!(count(CREATE_PRODUCT, &bytes, cut).is_ok());
            }
        }
    }
}
