import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ListNotificationsRequest as _weft_v1_ListNotificationsRequest, ListNotificationsRequest__Output as _weft_v1_ListNotificationsRequest__Output } from './weft/v1/ListNotificationsRequest.ts';
import type { ListNotificationsResponse as _weft_v1_ListNotificationsResponse, ListNotificationsResponse__Output as _weft_v1_ListNotificationsResponse__Output } from './weft/v1/ListNotificationsResponse.ts';
import type { Notification as _weft_v1_Notification, Notification__Output as _weft_v1_Notification__Output } from './weft/v1/Notification.ts';
import type { NotificationServiceClient as _weft_v1_NotificationServiceClient, NotificationServiceDefinition as _weft_v1_NotificationServiceDefinition } from './weft/v1/NotificationService.ts';
import type { RetryNotificationRequest as _weft_v1_RetryNotificationRequest, RetryNotificationRequest__Output as _weft_v1_RetryNotificationRequest__Output } from './weft/v1/RetryNotificationRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  weft: {
    v1: {
      ListNotificationsRequest: MessageTypeDefinition<_weft_v1_ListNotificationsRequest, _weft_v1_ListNotificationsRequest__Output>
      ListNotificationsResponse: MessageTypeDefinition<_weft_v1_ListNotificationsResponse, _weft_v1_ListNotificationsResponse__Output>
      Notification: MessageTypeDefinition<_weft_v1_Notification, _weft_v1_Notification__Output>
      NotificationService: SubtypeConstructor<typeof grpc.Client, _weft_v1_NotificationServiceClient> & { service: _weft_v1_NotificationServiceDefinition }
      RetryNotificationRequest: MessageTypeDefinition<_weft_v1_RetryNotificationRequest, _weft_v1_RetryNotificationRequest__Output>
    }
  }
}

