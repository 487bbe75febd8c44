// Original file: proto/weft/v1/registry.proto


export interface RegisterVersionRequest {
  'name'?: (string);
  'source'?: (string);
  'runId'?: (string);
  'description'?: (string);
  'tags'?: ({[key: string]: string});
  'by'?: (string);
}

export interface RegisterVersionRequest__Output {
  'name': (string);
  'source': (string);
  'runId': (string);
  'description': (string);
  'tags': ({[key: string]: string});
  'by': (string);
}
