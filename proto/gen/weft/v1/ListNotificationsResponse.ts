// Original file: proto/weft/v1/notification.proto

import type { Notification as _weft_v1_Notification, Notification__Output as _weft_v1_Notification__Output } from '../../weft/v1/Notification.ts';

export interface ListNotificationsResponse {
  'notifications'?: (_weft_v1_Notification)[];
}

export interface ListNotificationsResponse__Output {
  'notifications': (_weft_v1_Notification__Output)[];
}
