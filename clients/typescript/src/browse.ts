// Browses a hub without a token, as a shop window would: npx tsx src/browse.ts http://127.0.0.1:50051 [words to find]
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ProductService } from "./gen/entrepot/catalog/v1/product_service_pb.js";
import { HubService } from "./gen/entrepot/order/v1/hub_service_pb.js";

export async function browse(baseUrl: string, text: string): Promise<string[]> {
  const transport = createGrpcWebTransport({ baseUrl });
  const hub = await createClient(HubService, transport).getHub({});
  const found = await createClient(ProductService, transport).listProducts({ text, pageSize: 20 });
  return found.products.flatMap((product) =>
    product.variants.map((variant) => {
      const title = product.translations[0]?.title ?? variant.sku;
      return `${hub.name}: ${title}, ${variant.price?.minorUnits} minor units of ${variant.price?.currency}`;
    }),
  );
}

// On a command line; in a browser the page calls `browse`.
const [, script, baseUrl, ...words] = globalThis.process?.argv ?? [];
if (script?.endsWith("browse.ts")) {
  if (!baseUrl) {
    throw new Error("name the hub: npx tsx src/browse.ts http://127.0.0.1:50051");
  }
  const lines = await browse(baseUrl, words.join(" "));
  console.log(lines.length > 0 ? lines.join("\n") : "no such goods");
}
