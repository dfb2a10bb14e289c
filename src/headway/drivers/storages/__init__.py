"""Where backups lie: local folders, S3 and every other storage that rclone knows."""
