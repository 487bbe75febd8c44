// Original file: proto/weft/v1/notification.proto


export interface ListNotificationsRequest {
  'state'?: (string);
  'jobId'?: (string);
  'limit'?: (number);
}

export interface ListNotificationsRequest__Output {
  'state': (string);
  'jobId': (string);
  'limit': (number);
}
