# Runs a program that has an engine make containers, with a door of its own to the engine: each container begins in the
# control group that is given, whatever was asked for. Arguments: the engine's socket, the door's, the group, --, the
# program and its arguments.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($engine, $place, $group) = splice @ARGV, 0, 3;
shift @ARGV;
my ($head_bytes, $body_bytes) = (65_536, 16 << 20);

unlink $place;
my $door = IO::Socket::UNIX->new(Local => $place, Listen => 64) or die "no door to the engine at $place: $!\n";
my $keeper = fork;
die "fork: $!\n" unless defined $keeper;
if ($keeper == 0) {
    $SIG{CHLD} = 'IGNORE';
    open STDIN, '<', '/dev/null';
    while (1) {
        my $guest = $door->accept or next;
        my $child = fork;
        next if !defined $child || $child;
        close $door;
        lead($guest);
        exit 0;
    }
}
close $door;
my $child = fork;
die "fork: $!\n" unless defined $child;
if ($child == 0) {
    $ENV{DOCKER_HOST} = "unix://$place";
    no warnings 'exec';
    exec { $ARGV[0] } @ARGV or print STDERR "ERROR: $ARGV[0]: $!\n";
    exit 127;
}
waitpid $child, 0;
my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
kill 'KILL', $keeper;
unlink $place;
exit $status;

# One request, and what comes of it; the next one takes another connection.
sub lead {
    my ($guest) = @_;
    my $asked = '';
    while ((my $end = index $asked, "\r\n\r\n") < 0) {
        return refuse($guest) if length $asked > $head_bytes;
        sysread $guest, $asked, 65_536, length $asked or return;
    }
    my ($head, $rest) = split /\r\n\r\n/, $asked, 2;
    if ($head =~ m{\APOST [^ ]*/containers/create[? ]}) {
        my ($length) = $head =~ /^content-length: *([0-9]{1,9})\r?$/im;
        return refuse($guest) if !defined $length || $length > $body_bytes || $head =~ /^transfer-encoding:/im;
        while (length $rest < $length) {
            sysread $guest, $rest, 65_536, length $rest or return;
        }
        # No text within a value looks like that: its quotes would be escaped.
        return refuse($guest) unless 1 == ($rest =~ s/"CgroupParent":"[^"\\]*"/"CgroupParent":"$group"/g);
        $length = length $rest;
        $head =~ s/^content-length:[^\r\n]*/Content-Length: $length/im;
    }
    if ($head !~ /^upgrade:/im) {
        $head =~ s/\r\nconnection:[^\r\n]*//ig;
        $head .= "\r\nConnection: close";
    }
    my $behind = IO::Socket::UNIX->new(Peer => $engine) or return refuse($guest);
    give($behind, "$head\r\n\r\n$rest") or return;
    pass($guest, $behind);
}

sub pass {
    my ($guest, $behind) = @_;
    my %to = (fileno($guest) => [$guest, $behind], fileno($behind) => [$behind, $guest]);
    while (%to) {
        my $bits = '';
        vec($bits, $_, 1) = 1 for keys %to;
        next if select($bits, undef, undef, undef) < 0;
        for my $number (grep { vec $bits, $_, 1 } keys %to) {
            my ($from, $into) = @{ $to{$number} };
            my $count = sysread $from, my $piece, 65_536;
            if (!$count || !give($into, $piece)) {
                shutdown $into, 1;
                delete $to{$number};
                return if $from == $behind;
            }
        }
    }
}

sub give {
    my ($into, $text) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $text) {
        my $count = syswrite $into, $text or return 0;
        substr $text, 0, $count, '';
    }
    return 1;
}

sub refuse {
    my ($guest) = @_;
    my $why = '{"message":"Headway does not pass this on to the engine"}';
    my $length = length $why;
    give($guest, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: $length\r\n"
        . "Connection: close\r\n\r\n$why");
}
